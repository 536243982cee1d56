// What restore -follow makes of errors, and its log lines.
#include "follow.hpp"
#include "log_lines.hpp"
#include "support/catch.hpp"

using namespace litestreamctl;
using replica::Errc;
using replica::Error;
using std::chrono::milliseconds;

namespace {

milliseconds after(Errc code, int failures, milliseconds interval, std::optional<std::chrono::seconds> asked = {}) {
  return pause_after(Error{.code = code, .message = "x", .retry_after = asked}, failures, interval);
}

std::string line(std::string_view message, std::initializer_list<replica::LogField> fields) {
  return log_line(replica::Timestamp{milliseconds{1'700'000'000'250}}, replica::LogLevel::warn, message,
                  {fields.begin(), fields.size()});
}

}  // namespace

TEST_CASE("a store that fails is left alone for longer each time, up to half a minute") {
  CHECK(after(Errc::unavailable, 1, milliseconds{1000}) == milliseconds{2000});
  CHECK(after(Errc::unavailable, 4, milliseconds{1000}) == milliseconds{16'000});
  CHECK(after(Errc::unavailable, 5, milliseconds{1000}) == milliseconds{30'000});
  CHECK(after(Errc::unavailable, 1'000'000, milliseconds{1000}) == milliseconds{30'000});
  // An interval that is longer stays.
  CHECK(after(Errc::unavailable, 3, milliseconds{60'000}) == milliseconds{60'000});
  CHECK(after(Errc::unavailable, 1, milliseconds{1000}, std::chrono::seconds{45}) == milliseconds{45'000});
  // Readers that do not end are not the store's fault.
  CHECK(after(Errc::busy, 9, milliseconds{1000}) == milliseconds{1000});
}

TEST_CASE("log lines are the peer's") {
  CHECK(line("follow: applied updates", {{"replica", "file"}, {"to_txid", "01"}}) ==
        "time=2023-11-14T22:13:20.250Z level=WARN msg=\"follow: applied updates\" replica=file to_txid=01\n");
  CHECK(line("x", {{"a", ""}, {"b", "a b"}, {"c", "a=b"}, {"d", "say \"\\\n\x01"}}) ==
        "time=2023-11-14T22:13:20.250Z level=WARN msg=x a=\"\" b=\"a b\" c=\"a=b\" d=\"say \\\"\\\\\\n\\x01\"\n");
}
