#include "audit_log.hpp"

#include <sys/stat.h>

#include <boost/json/parse.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "control/methods.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace json = boost::json;
using control::CallRecord;
using litestreamd::AuditLog;

namespace {

class FixedClock final : public replica::Clock {
 public:
  replica::Timestamp now() const override { return {}; }
  Steady steady() const override { return {}; }
};

class Messages final : public replica::Logger {
 public:
  bool enabled(replica::LogLevel) const noexcept override { return true; }
  void write(replica::LogLevel, std::string_view message, std::span<const replica::LogField>) override {
    lines.emplace_back(message);
  }
  std::vector<std::string> lines;
};

std::string content(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

json::object line_of(const CallRecord& call) { return json::parse(litestreamd::audit_line(call, {})).as_object(); }

CallRecord stop_call() { return {.method = "stop", .known = control::find_method("stop")}; }

}  // namespace

TEST_CASE("a line says who did what, how it went and how long it took") {
  const control::Principal deploy{.name = "token deploy"};
  const json::value params{{"path", "/a.db"}, {"wait", true}};
  CallRecord call = stop_call();
  call.caller = &deploy;
  call.transport = control::Transport::tcp;
  call.params = &params;
  call.id = "\"x\"";
  call.duration = std::chrono::milliseconds(3);
  CHECK(litestreamd::audit_line(call, {}) ==
        R"({"time":"1970-01-01T00:00:00Z","who":"token deploy","transport":"tcp","method":"stop",)"
        R"("params":{"path":"/a.db","wait":true},"id":"x","result":"ok","duration_us":3000})");
  const control::Error failed{.message = "database not found: /a.db", .reason = "not_found"};
  call.error = &failed;
  CHECK(line_of(call).at("result") == "failed");
  CHECK(line_of(call).at("code") == -32001);
  CHECK(line_of(call).at("reason") == "not_found");
  const control::Principal process{.name = "uid 7", .pid = 42};
  call.caller = &process;
  CHECK(line_of(call).at("pid") == 42);
  const control::Error refused = control::forbidden("stop", {});
  call.error = &refused;
  CHECK(line_of(call).at("result") == "refused");
}

TEST_CASE("secrets do not get into it, and no caller makes a line as long as it likes") {
  const std::string secret = "hunter2-hunter2";
  json::value params{{"path", "/a.db"},
                     {"replica_url", "s3://AK:" + secret + "@bucket/x?secret-access-key=" + secret},
                     {"access-key-id", secret},
                     {"Password", secret},
                     {"nested", {{"api_token", secret}, {"list", {"ftp://u:" + secret + "@h/", "plain"}}}},
                     {"long", std::string(1 << 16, 'x')},
                     {"far", "s3://" + std::string(5000, 'u') + ":" + secret + "@b"}};
  json::array many;
  for (int i = 0; i < 1000; ++i) many.emplace_back(i);
  params.as_object()["many"] = many;
  CallRecord call = stop_call();
  call.params = &params;
  const std::string line = litestreamd::audit_line(call, {});
  INFO(line);
  CHECK(line.find(secret) == line.npos);
  CHECK(line.find("s3://***@bucket/x?***") != line.npos);
  CHECK(line.find("\"plain\"") != line.npos);
  CHECK(line.size() < 4096);
  CHECK(line.find('\n') == line.npos);
}

TEST_CASE("changes and refusals are written, reading is not") {
  const support::TempDir dir;
  const std::string path = dir.path("audit.log");
  const FixedClock clock;
  Messages messages;
  auto audit = AuditLog::open(path, clock, messages);
  REQUIRE(audit);
  (*audit)->note({.method = "info", .known = control::find_method("info")});
  CHECK(content(path).empty());
  (*audit)->note(stop_call());
  const control::Error refused = control::forbidden("info", {});
  (*audit)->note({.method = "info", .known = control::find_method("info"), .error = &refused});
  std::istringstream lines(content(path));
  std::vector<std::string> results;
  for (std::string line; std::getline(lines, line);)
    results.emplace_back(json::parse(line).at("result").as_string().c_str());
  CHECK(results == std::vector<std::string>{"ok", "refused"});
  struct stat about{};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0600);
}

TEST_CASE("a log that was moved away goes on in a new file; one that can not be written says so once") {
  const support::TempDir dir;
  const std::string path = dir.path("audit.log");
  const FixedClock clock;
  Messages messages;
  auto audit = AuditLog::open(path, clock, messages);
  REQUIRE(audit);
  (*audit)->note(stop_call());
  std::filesystem::rename(path, path + ".1");
  (*audit)->note(stop_call());
  REQUIRE((*audit)->reopen());
  (*audit)->note(stop_call());
  const auto count = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n'); };
  CHECK(count(content(path + ".1")) == 2);
  CHECK(count(content(path)) == 1);

  CHECK(AuditLog::open(dir.path("none/audit.log"), clock, messages)
            .error()
            .message.starts_with("cannot open audit log "));
  auto full = AuditLog::open("/dev/full", clock, messages);
  REQUIRE(full);
  (*full)->note(stop_call());
  (*full)->note(stop_call());
  CHECK(messages.lines == std::vector<std::string>{"cannot write the audit log"});
}
