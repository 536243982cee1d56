#include "bench/compare.hpp"

#include <algorithm>
#include <vector>

namespace litestreamctl::bench {

using replica::Errc;
using replica::Result;

Result<void> compare(std::ifstream& original, const std::string& restored, const replica::Call& call) {
  std::ifstream other(restored, std::ios::binary);
  std::vector<char> left(std::size_t{1} << 20U), right(left.size());
  original.clear();
  original.seekg(0);
  while (original && other) {
    if (auto open = call.check("compare"); !open) return open;
    original.read(left.data(), static_cast<std::streamsize>(left.size()));
    other.read(right.data(), static_cast<std::streamsize>(right.size()));
    const auto count = original.gcount();
    if (original.bad() || other.bad()) break;
    if (count != other.gcount() || !std::equal(left.begin(), left.begin() + count, right.begin()))
      return replica::fail(Errc::corrupt, "what was restored differs from the sample database",
                           "do not trust this store with a replica; litestreamctl check-backend examines it");
    if (original.eof() && other.eof()) return {};
  }
  return replica::fail(Errc::io, "cannot compare " + restored + " with the sample database");
}

}  // namespace litestreamctl::bench
