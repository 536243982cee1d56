// Where the keys of OSS come from, in which order, and how they are renewed.
#include "backend/oss/credentials.hpp"

#include <fstream>
#include <map>

#include "exam.hpp"
#include "replica/backends/oss.hpp"
#include "support/contains.hpp"
#include "support/hand_clock.hpp"
#include "support/scripted_server.hpp"
#include "support/temp_dir.hpp"

using namespace replica;
using namespace servers;
using support::contains;
using support::HandClock;
using support::http_answer;
using support::ScriptedServer;

namespace {

std::string keys(const std::string& id, const std::string& expires = "2026-01-01T01:00:00Z") {
  return R"({"Code":"Success","AccessKeyId":")" + id + R"(","AccessKeySecret":"S","SecurityToken":"T","Expiration":")" +
         expires + "\"}";
}

struct Fixture {
  support::TempDir dir;
  HandClock clock;
  std::map<std::string, std::string, std::less<>> variables{{"ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true"}};

  std::function<std::optional<std::string>(std::string_view)> environment() {
    return [this](std::string_view name) -> std::optional<std::string> {
      const auto at = variables.find(name);
      return at == variables.end() ? std::nullopt : std::optional(at->second);
    };
  }
  s3::Surroundings around() {
    return {.environment = environment(), .http = http::shared_client({}), .clock = clock, .region = "cn-x"};
  }
  std::string key_id() {
    s3::CredentialCache cache = oss::credential_cache(std::nullopt, around());
    auto got = cache.get({});
    return got ? got->access_key_id : error_of(got);
  }
  void at(const ScriptedServer& instance) {
    variables["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "false";
    variables["LITESTREAM_OSS_METADATA_ENDPOINT"] = instance.url() + "/";
  }
};

constexpr const char* kNone = "permission_denied: no credentials for the OSS store found";

// An ECS instance with the role "my-role"; `v2` = only with a token.
std::string instance_answer(const std::string& request, bool v2) {
  if (request.starts_with("PUT /latest/api/token "))
    return v2 && contains(request, "token-ttl-seconds: 21600") ? http_answer("200 OK", "TOKEN\n")
                                                               : http_answer("404 Not Found");
  if (v2 && !contains(request, "X-aliyun-ecs-metadata-token: TOKEN\r\n")) return http_answer("403 Forbidden");
  if (request.starts_with("GET /latest/meta-data/ram/security-credentials/ ")) return http_answer("200 OK", "my-role");
  if (request.starts_with("GET /latest/meta-data/ram/security-credentials/my-role "))
    return http_answer("200 OK", keys("ECS"));
  return http_answer("404 Not Found");
}

}  // namespace

TEST_CASE("OSS: without any source it is said what to do") {
  Fixture f;
  CHECK(f.key_id() == kNone);
}

TEST_CASE("OSS: the environment comes first, under either name") {
  Fixture f;
  f.variables["ALIBABA_CLOUD_CREDENTIALS_URI"] = "http://127.0.0.1:1/";
  f.variables["ALIBABA_CLOUD_ACCESS_KEY_ID"] = "A";
  CHECK(f.key_id().starts_with("unavailable:"));
  f.variables["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = "S";
  CHECK(f.key_id() == "A");
  f.variables["OSS_ACCESS_KEY_ID"] = "O";
  f.variables["OSS_ACCESS_KEY_SECRET"] = "S";
  CHECK(f.key_id() == "O");
}

TEST_CASE("OSS: the role of an instance, by either version of its protocol") {
  const bool v2 = GENERATE(true, false);
  ScriptedServer instance([&](const std::string& request) { return instance_answer(request, v2); });
  Fixture f;
  f.at(instance);
  CHECK(f.key_id() == "ECS");
  f.variables["ALIBABA_CLOUD_ECS_METADATA"] = "my-role";  // then it is not asked for
  const std::size_t before = instance.requests().size();
  CHECK(f.key_id() == "ECS");
  CHECK(instance.requests().size() == before + 2);
  f.variables["ALIBABA_CLOUD_ECS_METADATA"] = "other";
  CHECK(f.key_id() == "permission_denied: find credentials: metadata of the instance: there is no role other");
  f.variables.erase("ALIBABA_CLOUD_ECS_METADATA");
  f.variables["ALIBABA_CLOUD_IMDSV1_DISABLED"] = "true";
  CHECK(f.key_id() == (v2 ? "ECS" : kNone));
}

TEST_CASE("OSS: a machine without a role, and one that is no instance") {
  ScriptedServer instance([](const std::string& request) {
    return request.starts_with("PUT") ? http_answer("200 OK", "TOKEN") : http_answer("404 Not Found");
  });
  Fixture f;
  f.at(instance);
  CHECK(f.key_id() == kNone);
  f.variables["LITESTREAM_OSS_METADATA_ENDPOINT"] = "http://127.0.0.1:" + std::to_string(support::free_port());
  CHECK(f.key_id() == kNone);
}

TEST_CASE("OSS: a role is assumed with a token from a file, read anew each time") {
  std::string answer = http_answer("200 OK", R"({"RequestId":"R","Credentials":)" + keys("OIDC") + "}");
  ScriptedServer sts([&](const std::string&) { return answer; });
  Fixture f;
  f.variables["LITESTREAM_OSS_STS_ENDPOINT"] = sts.url();
  f.variables["ALIBABA_CLOUD_ROLE_ARN"] = "acs:ram::1:role/r";
  f.variables["ALIBABA_CLOUD_OIDC_PROVIDER_ARN"] = "acs:ram::1:oidc-provider/p";
  f.variables["ALIBABA_CLOUD_OIDC_TOKEN_FILE"] = f.dir.path("token");
  CHECK(f.key_id() == "unavailable: find credentials: role by OIDC: " + f.dir.path("token") + " is not there or empty");
  for (const char* text : {"one", "two"}) {
    std::ofstream(f.dir.path("token")) << text << "\n";
    CHECK(f.key_id() == "OIDC");
    const std::string request = sts.requests().back();
    CHECK(
        request.starts_with("POST /?Action=AssumeRoleWithOIDC&Format=JSON&Timestamp=2026-01-01T00%3A00%3A00Z&"
                            "Version=2015-04-01 HTTP/"));
    CHECK(contains(request, "&OIDCToken=" + std::string(text) + "&RoleArn=acs%3Aram%3A%3A1%3Arole%2Fr&"));
    CHECK(contains(request, "RoleSessionName=litestream"));
  }
  answer = http_answer("400 Bad Request", R"({"Code":"AuthenticationFail.OIDCToken.Expired","Message":"two"})");
  CHECK(f.key_id() ==
        "permission_denied: find credentials: role by OIDC: AuthenticationFail.OIDCToken.Expired (HTTP 400)");
  answer = http_answer("503 Busy");
  CHECK(f.key_id().starts_with("busy:"));
  f.variables["LITESTREAM_OSS_STS_ENDPOINT"] = "http://sts.example";
  CHECK(f.key_id().starts_with("invalid_argument:"));
}

TEST_CASE("OSS: a service of the machine gives keys") {
  std::string answer = http_answer("200 OK", keys("URI"));
  ScriptedServer service([&](const std::string&) { return answer; });
  Fixture f;
  f.variables["ALIBABA_CLOUD_CREDENTIALS_URI"] = service.url() + "/keys?x=1";
  CHECK(f.key_id() == "URI");
  CHECK(service.requests().back().starts_with("GET /keys?x=1 "));
  for (const std::string& body : {std::string("[]"), std::string("{}"), keys("A", "soon"), keys("")}) {
    INFO(body);
    answer = http_answer("200 OK", body);
    CHECK(f.key_id() ==
          "unavailable: find credentials: ALIBABA_CLOUD_CREDENTIALS_URI: the answer holds no credentials");
  }
  f.variables["ALIBABA_CLOUD_CREDENTIALS_URI"] = "http://keys.example/";
  CHECK(f.key_id() ==
        "invalid_argument: find credentials: ALIBABA_CLOUD_CREDENTIALS_URI leads to another machine without https");
}

TEST_CASE("OSS: keys are renewed five minutes before their end, and kept longer while no others are to be had") {
  std::string answer = http_answer("200 OK", keys("K1"));
  ScriptedServer service([&](const std::string&) { return answer; });
  Fixture f;
  f.variables["ALIBABA_CLOUD_CREDENTIALS_URI"] = service.url();
  s3::CredentialCache cache = oss::credential_cache(std::nullopt, f.around());
  CHECK(cache.get({})->access_key_id == "K1");
  answer = http_answer("200 OK", keys("K2", "2026-01-01T02:00:00Z"));
  f.clock.time += std::chrono::minutes(54);
  CHECK(cache.get({})->access_key_id == "K1");
  f.clock.time += std::chrono::minutes(1);
  CHECK(cache.get({})->access_key_id == "K2");
  answer = http_answer("503 Busy");
  f.clock.time += std::chrono::minutes(61);
  CHECK(cache.get({})->access_key_id == "K2");
  f.clock.time += std::chrono::minutes(4);
  CHECK_FALSE(cache.get({}));
}

TEST_CASE("OSS: keys that the store refuses are replaced once, when their source has others") {
  std::string id = "K1";
  ScriptedServer service([&](const std::string&) { return http_answer("200 OK", keys(id)); });
  ScriptedServer store([&](const std::string& request) {
    id = "K2";
    return contains(request, "Credential=K2/") && contains(request, "x-oss-security-token: T\r\n")
               ? http_answer("200 OK", "", "ETag: \"e\"\r\n")
               : http_answer("403 Forbidden", "<Error><Code>SecurityTokenExpired</Code></Error>");
  });
  Fixture f;
  f.variables["ALIBABA_CLOUD_CREDENTIALS_URI"] = service.url();
  const auto backend =
      make_oss_backend({.bucket = "b", .endpoint = store.url(), .environment = f.environment(), .clock = &f.clock});
  CHECK(put_error(*backend, "k", some_bytes(3)) == "none");
  CHECK(store.requests().size() == 2);
  CHECK(store.requests().back().ends_with(
      "\r\n\r\n" + store.requests().front().substr(store.requests().front().find("\r\n\r\n") + 4)));
}
