// Where the keys of an S3 store come from, in which order, and how they are renewed.
#include <fstream>
#include <map>

#include "backend/s3/credentials.hpp"
#include "backend/s3/flat_json.hpp"
#include "backend/s3/profile.hpp"
#include "io/run_command.hpp"
#include "support/catch.hpp"
#include "support/hand_clock.hpp"
#include "support/scripted_server.hpp"
#include "support/temp_dir.hpp"

using namespace replica;
using namespace replica::s3;
using support::HandClock;
using support::http_answer;
using support::ScriptedServer;

namespace {

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "none" : std::string(name(result.error().code)) + ": " + result.error().message;
}

struct Fixture {
  support::TempDir dir;
  HandClock clock;
  std::map<std::string, std::string, std::less<>> variables{{"HOME", dir.path()},
                                                            {"AWS_EC2_METADATA_DISABLED", "true"}};

  std::string file(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(dir.path(name)).parent_path());
    std::ofstream(dir.path(name)) << text;
    return dir.path(name);
  }
  std::unique_ptr<CredentialCache> cache() {
    const auto environment = [this](std::string_view name) -> std::optional<std::string> {
      const auto at = variables.find(name);
      if (at == variables.end()) return std::nullopt;
      return at->second;
    };
    return std::make_unique<CredentialCache>(
        std::nullopt,
        Surroundings{
            .environment = environment, .http = http::shared_client({}), .clock = clock, .region = "eu-west-1"});
  }
  std::string key_id() {
    auto got = cache()->get({});
    return got ? got->access_key_id : error_of(got);
  }
};

std::string json(const std::string& id, const std::string& expires) {
  return R"({"Version": 1, "AccessKeyId":")" + id + R"(", "SecretAccessKey" : "S\/1", "Token":"T","Expiration":")" +
         expires + "\"}";
}

}  // namespace

TEST_CASE("without any source it is said what to do") {
  Fixture f;
  CHECK(f.key_id() == "permission_denied: no credentials for the S3 store found");
}

TEST_CASE("the environment comes first, under either name") {
  Fixture f;
  f.file(".aws/credentials", "[default]\naws_access_key_id=FILE\naws_secret_access_key=S\n");
  CHECK(f.key_id() == "FILE");
  f.variables["LITESTREAM_ACCESS_KEY_ID"] = "OURS";
  CHECK(f.key_id() == "FILE");  // a key without a secret is none
  f.variables["LITESTREAM_SECRET_ACCESS_KEY"] = "S";
  CHECK(f.key_id() == "OURS");
  f.variables["AWS_ACCESS_KEY_ID"] = "AWS";
  f.variables["AWS_SESSION_TOKEN"] = "T";
  CHECK(f.key_id() == "AWS");
  CHECK(f.cache()->get({})->session_token == "T");
}

TEST_CASE("profiles are read as the tools of Amazon read them") {
  Fixture f;
  f.file(".aws/config",
         "[default]\nregion = r0\n[profile other]\nregion=r1\ns3 =\n  aws_access_key_id = NESTED\n"
         "aws_access_key_id=CONFIG\naws_secret_access_key=S\n[other]\nregion=no\n");
  const auto load = [&] {
    return load_profile([&](std::string_view name) -> std::optional<std::string> {
      const auto at = f.variables.find(name);
      return at == f.variables.end() ? std::nullopt : std::optional(at->second);
    });
  };
  CHECK(load()->region == "r0");
  f.variables["AWS_PROFILE"] = "other";
  CHECK(load()->region == "r1");
  CHECK(f.key_id() == "CONFIG");
  f.variables["AWS_SHARED_CREDENTIALS_FILE"] =
      f.file("elsewhere", "# keys\r\n[ other ]\r\naws_access_key_id = CRED\r\naws_secret_access_key=a=b\r\n");
  CHECK(f.key_id() == "CRED");
  CHECK(f.cache()->get({})->secret_access_key == "a=b");
  f.variables["AWS_SHARED_CREDENTIALS_FILE"] = f.dir.path();
  CHECK(f.key_id().find("read credentials") != std::string::npos);
}

TEST_CASE("a program may give credentials") {
  Fixture f;
  f.file("out.json", json("PROC", "2026-01-01T01:00:00Z"));
  f.file(".aws/config",
         "[default]\ncredential_process = echo x >> " + f.dir.path("runs") + "; cat " + f.dir.path("out.json") + "\n");
  const auto cache = f.cache();
  for (int i = 0; i < 3; ++i) CHECK(cache->get({})->access_key_id == "PROC");
  CHECK(std::filesystem::file_size(f.dir.path("runs")) == 2);
  f.file("out.json", json("NEXT", "2026-01-01T02:00:00Z"));
  f.clock.time += std::chrono::minutes(54);
  CHECK(cache->get({})->access_key_id == "PROC");
  f.clock.time += std::chrono::minutes(1);  // five minutes before the end
  CHECK(cache->get({})->access_key_id == "NEXT");
  CHECK(cache->get({})->secret_access_key == "S/1");
  // While the program fails the old ones are used, but not beyond their end.
  f.file(".aws/config", "[default]\ncredential_process = exit 3\n");
  f.clock.time += std::chrono::minutes(62);
  CHECK(cache->get({})->access_key_id == "NEXT");
  f.clock.time += std::chrono::minutes(4);
  CHECK(error_of(cache->get({})) ==
        "unavailable: find credentials: credential_process: the command ended with status 3");
}

TEST_CASE("refused credentials are asked for again") {
  Fixture f;
  f.file(".aws/credentials", "[default]\naws_access_key_id=ONE\naws_secret_access_key=S\n");
  const auto cache = f.cache();
  const auto one = cache->get({}).value();
  f.file(".aws/credentials", "[default]\naws_access_key_id=TWO\naws_secret_access_key=S2\n");
  CHECK(cache->get({})->access_key_id == "ONE");
  cache->forget(one);
  CHECK(cache->get({})->access_key_id == "TWO");
  cache->forget(one);  // by a thread that comes late
  f.file(".aws/credentials", "");
  CHECK(cache->get({})->access_key_id == "TWO");
}

TEST_CASE("a role is assumed with a token from a file") {
  ScriptedServer sts([](const std::string&) {
    return http_answer(
        "200 OK",
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>WEB"
        "</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken><Expiration>"
        "2026-01-01T01:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>"
        "</AssumeRoleWithWebIdentityResponse>");
  });
  Fixture f;
  f.variables["AWS_ENDPOINT_URL_STS"] = sts.url();
  f.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/r";
  f.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = f.dir.path("token");
  CHECK(f.key_id().find("token is not there or empty") != std::string::npos);
  f.file("token", "jwt.a+b\n");
  CHECK(f.key_id() == "WEB");
  const std::string request = sts.requests().at(0);
  CHECK(request.starts_with("POST / HTTP/1.1\r\n"));
  CHECK(
      request.ends_with("Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&"
                        "RoleSessionName=litestream&Version=2011-06-15&WebIdentityToken=jwt.a%2Bb"));
}

TEST_CASE("the agent of a container is asked with its token") {
  ScriptedServer agent([](const std::string& request) {
    return request.find("Authorization: secret\r\n") != std::string::npos
               ? http_answer("200 OK", json("BOX", "2026-01-01T01:00:00Z"))
               : http_answer("403 Forbidden");
  });
  Fixture f;
  f.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = agent.url() + "/creds";
  CHECK(f.key_id() == "permission_denied: find credentials: container credentials: (HTTP 403)");
  f.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = f.file("token", "secret\n");
  CHECK(f.key_id() == "BOX");
  f.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://example.com/creds";
  CHECK(f.key_id().find("another machine without https") != std::string::npos);
}

TEST_CASE("the instance is asked by the second version of its protocol") {
  ScriptedServer instance([](const std::string& request) {
    if (request.starts_with("PUT /latest/api/token ") && request.find("ttl-seconds: 21600") != std::string::npos)
      return http_answer("200 OK", "TOKEN");
    if (request.find("X-aws-ec2-metadata-token: TOKEN\r\n") == std::string::npos)
      return http_answer("401 Unauthorized");
    if (request.starts_with("GET /latest/meta-data/iam/security-credentials/ ")) return http_answer("200 OK", "role\n");
    if (request.starts_with("GET /latest/meta-data/iam/security-credentials/role "))
      return http_answer("200 OK", json("EC2", "2026-01-01T01:00:00Z"));
    return http_answer("404 Not Found");
  });
  Fixture f;
  f.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = instance.url() + "/";
  CHECK(f.key_id().starts_with("permission_denied: no credentials"));
  f.variables["AWS_EC2_METADATA_DISABLED"] = "false";
  CHECK(f.key_id() == "EC2");
  f.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://127.0.0.1:" + std::to_string(support::free_port());
  CHECK(f.key_id().starts_with("permission_denied: no credentials"));
}

TEST_CASE("flat JSON and nothing else") {
  const auto good = parse_flat_json(" {\"a\" : \"b\\n\\u0041\\\"\" , \"c\":12 ,\"d\":null}\n");
  REQUIRE(good);
  CHECK(*good == FlatObject{{"a", "b\nA\""}, {"c", "12"}, {"d", "null"}});
  CHECK(parse_flat_json("{}")->empty());
  for (const char* bad : {"", "[]", "{", "{\"a\"}", "{\"a\":}", "{\"a\":{}}", "{\"a\":[1]}", "{\"a\":1}x",
                          "{\"a\":\"b}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u00\"}", "{\"a\":\"\\u0fff\"}", "{\"a\":1,}"})
    CHECK(error_of(parse_flat_json(bad)) == "corrupt: not a JSON object of plain values");
}

TEST_CASE("a command is bounded in output and time") {
  CHECK(io::run_command("printf abc", 3, {}).value() == "abc");
  CHECK(error_of(io::run_command("printf abcd", 3, {})) == "corrupt: a command printed more than it should");
  CHECK(error_of(io::run_command("kill -9 $$", 3, {})) == "unavailable: the command ended with signal 9");
  const Call brief{.stop = {}, .deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(50)};
  CHECK(error_of(io::run_command("sleep 60; echo hush", 100, brief)) == "timed_out: timeout waiting for a command");
}
