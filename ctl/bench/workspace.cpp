#include "bench/workspace.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "bench/system_error.hpp"
#include "human.hpp"

namespace litestreamctl::bench {

using replica::Errc;
using replica::Result;

Result<Workspace> Workspace::create(const std::string& directory, std::uint64_t needed) {
  std::error_code error;
  const auto space = std::filesystem::space(directory, error);
  if (error) return fail_errno(error.value(), "look at directory", directory);
  if (space.available < needed)
    return replica::fail(Errc::no_space,
                         "not enough space in " + directory + ": " + size_text(needed) + " are needed, " +
                             size_text(space.available) + " are free",
                         "make room, or use a smaller -size or another -dir");
  std::string path = directory + "/.litestream-bench-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return fail_errno(errno, "make a directory in", directory);
  return Workspace(std::move(path));
}

Workspace::~Workspace() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace litestreamctl::bench
