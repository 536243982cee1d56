#include "engine/pin.hpp"

#include <array>

namespace replica::engine {

Result<Pin> Pin::open(const std::string& path, const io::ConnectionOptions& options) {
  auto connection = io::Connection::open(path, options);
  if (!connection) return pass(connection);
  if (auto r = connection->begin_read(); !r) return pass(r);
  return Pin(std::move(*connection));
}

Result<wal::WalIndexHeader> Pin::wal_index() {
  // A writer holds the two copies apart for well under a microsecond.
  constexpr int kAttempts = 10'000;
  std::array<std::byte, wal::kWalIndexBytes> bytes{};
  for (int i = 0; i < kAttempts; ++i) {
    if (auto r = connection_.copy_wal_index(bytes); !r) return pass(r);
    if (const auto header = wal::parse_wal_index(bytes)) return *header;
  }
  return fail(Errc::busy, "the wal-index keeps changing");
}

}  // namespace replica::engine
