// The S3 backend against moto: another reading of the protocol. Who is let in is tested with versitygw.
#include "exam.hpp"
#include "replica/backends/s3.hpp"
#include "server.hpp"
#include "support/temp_dir.hpp"

using namespace replica;
using namespace servers;

namespace {

constexpr const char* kMoto = SERVERS_DIR "/moto/bin/moto_server";

class Moto {
 public:
  Moto() { run({"/usr/bin/curl", "--silent", "--fail", "--noproxy", "*", "--request", "PUT", endpoint() + "/bucket"}); }
  S3Options options(const std::string& prefix) const {
    return {.bucket = "bucket",
            .prefix = prefix,
            .region = "us-east-1",
            .endpoint = endpoint(),
            .access_key_id = "test",
            .secret_access_key = "testsecret",
            .path_style = true};
  }

 private:
  std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }

  support::TempDir dir_;
  int port_ = free_port();
  Server server_{{kMoto, "-H", "127.0.0.1", "-p", std::to_string(port_)}, port_, dir_.path("log")};
};

}  // namespace

TEST_CASE("S3 passes the exam on another server") {
  if (skipped_without(kMoto)) return;
  const Moto moto;
  // It answers 500 where threads of its own meet at one object, and looks and stores in two steps, so that two may win.
  for (const char* prefix : {"", "some/where/"})
    sit_exam(*make_retrying_backend(make_s3_backend(moto.options(prefix)), {.attempts = 10}),
             "if absent has one winner");
}

TEST_CASE("a body in parts comes back whole from another S3 server") {
  if (skipped_without(kMoto)) return;
  const Moto moto;
  const auto backend = make_s3_backend(moto.options(""));
  const std::vector<std::byte> data = some_bytes(std::size_t{12} << 20U);
  CHECK(put_error(*backend, "large", data) == "none");
  MemorySink out;
  REQUIRE(backend->get("large", {}, out, {}));
  CHECK(out.take() == data);
}
