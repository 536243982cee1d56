// Tokens of Entra ID: where they come from, in which order, and how they are renewed.
#include <array>
#include <ctime>
#include <fstream>
#include <map>

#include "backend/azure/endpoint.hpp"
#include "backend/azure/tokens.hpp"
#include "exam.hpp"
#include "replica/backends/azure.hpp"
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

struct Fixture {
  support::TempDir dir;
  HandClock clock;
  std::string answer = token("T1");
  ScriptedServer server{[this](const std::string&) { return answer; }};
  std::map<std::string, std::string, std::less<>> variables{{"AZURE_AUTHORITY_HOST", server.url() + "/"},
                                                            {"AZURE_POD_IDENTITY_AUTHORITY_HOST", server.url()}};

  static std::string token(const std::string& text, const std::string& expires = "\"expires_in\":3600") {
    return http_answer("200 OK", R"({"token_type":"Bearer",)" + expires + R"(,"access_token":")" + text + "\"}");
  }
  std::function<std::optional<std::string>(std::string_view)> environment() {
    return [this](std::string_view name) -> std::optional<std::string> {
      const auto at = variables.find(name);
      return at == variables.end() ? std::nullopt : std::optional(at->second);
    };
  }
  std::unique_ptr<azure::TokenCache> cache() {
    return std::make_unique<azure::TokenCache>(
        azure::TokenSurroundings{.environment = environment(), .http = http::shared_client({}), .clock = clock});
  }
  std::string get() {
    auto got = cache()->get({});
    return got ? *got : error_of(got);
  }
  std::string last_request() { return server.requests().back(); }
  void with_secret() {
    variables["AZURE_TENANT_ID"] = "my tenant";
    variables["AZURE_CLIENT_ID"] = "app";
    variables["AZURE_CLIENT_SECRET"] = "hush&";
  }
};

}  // namespace

TEST_CASE("a client secret is shown to Entra ID") {
  Fixture f;
  f.with_secret();
  CHECK(f.get() == "T1");
  CHECK(f.last_request().starts_with("POST /my%20tenant/oauth2/v2.0/token HTTP/"));
  CHECK(f.last_request().ends_with(
      "\r\n\r\ngrant_type=client_credentials&client_id=app&scope=https%3A%2F%2Fstorage.azure.com%2F.default"
      "&client_secret=hush%26"));
}

TEST_CASE("a federated token is shown to Entra ID, read anew each time") {
  Fixture f;
  f.with_secret();
  f.variables.erase("AZURE_CLIENT_SECRET");
  f.variables["AZURE_FEDERATED_TOKEN_FILE"] = f.dir.path("token");
  CHECK(f.get() ==
        "unavailable: find credentials: token of Entra ID: " + f.dir.path("token") + " is not there or empty");
  for (const char* text : {"one", "two"}) {
    std::ofstream(f.dir.path("token")) << text << "\n";
    CHECK(f.get() == "T1");
    CHECK(f.last_request().ends_with("&client_assertion=" + std::string(text)));
  }
}

TEST_CASE("the managed identity of a machine") {
  Fixture f;
  f.answer = Fixture::token("T2", R"("expires_in":"3599","expires_on":"1767229200")");
  CHECK(f.get() == "T2");
  CHECK(
      f.last_request().starts_with("GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2F"
                                   "storage.azure.com%2F HTTP/"));
  CHECK(contains(f.last_request(), "\r\nMetadata: true\r\n"));
  f.variables["AZURE_CLIENT_ID"] = "mine";
  CHECK(f.get() == "T2");
  CHECK(contains(f.last_request(), "&client_id=mine HTTP/"));
}

TEST_CASE("the managed identity of an app service") {
  Fixture f;
  f.variables["IDENTITY_ENDPOINT"] = f.server.url() + "/msi/token";
  f.variables["IDENTITY_HEADER"] = "H";
  f.answer = Fixture::token("T3", R"("expires_on":1767229200)");
  CHECK(f.get() == "T3");
  CHECK(f.last_request().starts_with("GET /msi/token?api-version=2019-08-01&resource="));
  CHECK(contains(f.last_request(), "\r\nX-IDENTITY-HEADER: H\r\n"));
}

TEST_CASE("without any identity it is said what to do") {
  Fixture f;
  for (const char* status : {"400 Bad Request", "404 Not Found"}) {
    f.answer = http_answer(status, R"({"error":"invalid_request"})");
    CHECK(f.get() == "permission_denied: no credentials for the blob store found");
  }
  // A machine that has one, but not now.
  f.answer = http_answer("500 Oh");
  CHECK(f.get().starts_with("unavailable: find credentials: token of the managed identity"));
  f.variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = "http://127.0.0.1:1";
  CHECK(f.get() == "permission_denied: no credentials for the blob store found");
}

TEST_CASE("who has logged in with the command line of Azure") {
  Fixture f;
  f.answer = http_answer("404 Not Found");  // no managed identity
  const auto az = [&](const std::string& script) {
    std::ofstream(f.dir.path("az")) << "#!/bin/sh\n" << script << "\n";
    std::filesystem::permissions(f.dir.path("az"), std::filesystem::perms::owner_all);
  };
  f.variables["PATH"] = f.dir.path("it's none") + ":/usr/bin:/bin";
  const std::string none = "permission_denied: no credentials for the blob store found";
  if (std::filesystem::exists("/usr/bin/az")) return;
  CHECK(f.get() == none);
  f.variables["PATH"] = f.dir.path() + ":/usr/bin:/bin";
  az("echo \"$@\" >" + f.dir.path("asked") + R"(
echo '{"accessToken": "CLI1", "expiresOn": "2020-01-01 01:00:00.000000", "expires_on": 1767229200, "tokenType": "Bearer"}')");
  CHECK(f.get() == "CLI1");
  std::ifstream asked(f.dir.path("asked"));
  std::string arguments;
  std::getline(asked, arguments);
  CHECK(arguments == "account get-access-token -o json --resource https://storage.azure.com/");
  SECTION("the managed identity comes before it") {
    f.answer = Fixture::token("M");
    CHECK(f.get() == "M");
  }
  SECTION("nobody is logged in") {
    az("echo 'ERROR: Please run az login: secret' >&2; exit 1");
    const auto refused = f.cache()->get({});
    REQUIRE_FALSE(refused);
    CHECK(error_of(refused) ==
          "permission_denied: find credentials: az account get-access-token: the command ended with status 1");
    CHECK(contains(refused.error().hint, "az login"));
  }
  SECTION("what is no answer") {
    for (const char* text : {"[]", "{}", R"({"accessToken":"T"})", R"({"accessToken":"T","expiresOn":"soon"})",
                             R"({"accessToken":"T\r\nX: y","expires_on":1767229200})"}) {
      INFO(text);
      az("echo '" + std::string(text) + "'");
      CHECK(f.get().starts_with("unavailable: find credentials: az account get-access-token: the answer "));
    }
  }
}

TEST_CASE("a token of the command line is asked for again before its end") {
  Fixture f;
  f.answer = http_answer("404 Not Found");
  f.variables["PATH"] = f.dir.path() + ":/usr/bin:/bin";
  f.clock.time = Timestamp(std::chrono::seconds(1'767'225'600));
  const auto az = [&](const std::string& token, const std::string& expires) {
    std::ofstream(f.dir.path("az")) << "#!/bin/sh\necho '{\"accessToken\": \"" << token << "\", " << expires << "}'\n";
    std::filesystem::permissions(f.dir.path("az"), std::filesystem::perms::owner_all);
  };
  // What older versions say: local time.
  std::array<char, 64> local{};
  const std::time_t in_an_hour = 1'767'229'200;
  std::tm parts{};
  REQUIRE(localtime_r(&in_an_hour, &parts) != nullptr);
  REQUIRE(std::strftime(local.data(), local.size(), "%Y-%m-%d %H:%M:%S.000000", &parts) > 0);
  az("T1", "\"expiresOn\": \"" + std::string(local.data()) + "\"");
  const auto cache = f.cache();
  CHECK(cache->get({}).value() == "T1");
  az("T2", "\"expires_on\": 1767240000");
  f.clock.time += std::chrono::minutes(54);
  CHECK(cache->get({}).value() == "T1");
  f.clock.time += std::chrono::minutes(1);
  CHECK(cache->get({}).value() == "T2");
}

TEST_CASE("a refusal of Entra ID tells the reason and no secret") {
  Fixture f;
  f.with_secret();
  f.answer = http_answer("401 Unauthorized", R"({"error":"invalid_client","error_codes":[7000215],
      "error_description":"AADSTS7000215: Invalid client secret hush& provided."})");
  auto refused = f.cache()->get({});
  REQUIRE_FALSE(refused);
  CHECK(error_of(refused) ==
        "permission_denied: find credentials: token of Entra ID: invalid_client, AADSTS7000215 (HTTP 401)");
  CHECK(refused.error().hint == "check AZURE_TENANT_ID, AZURE_CLIENT_ID and the secret");
  f.answer = http_answer("400 Bad Request", "hush&");
  CHECK(f.get() == "permission_denied: find credentials: token of Entra ID: (HTTP 400)");
  f.answer = http_answer("503 Busy");
  CHECK(f.get().starts_with("busy:"));
}

TEST_CASE("answers that hold no token are errors") {
  Fixture f;
  f.with_secret();
  for (const std::string& body :
       {std::string("[]"), std::string("{}"), std::string(R"({"access_token":5,"expires_in":1})"),
        std::string(R"({"access_token":"T"})"), std::string(R"({"access_token":"T","expires_in":"soon"})"),
        std::string(R"({"access_token":"T\r\nX: y","expires_in":1})")}) {
    INFO(body);
    f.answer = http_answer("200 OK", body);
    CHECK(f.get().starts_with("unavailable: find credentials: token of Entra ID: the answer "));
  }
}

TEST_CASE("the secret goes over https or not at all") {
  Fixture f;
  f.with_secret();
  f.variables["AZURE_AUTHORITY_HOST"] = "http://login.example.com";
  CHECK(f.get() ==
        "invalid_argument: find credentials: token of Entra ID: AZURE_AUTHORITY_HOST must be a URL with https");
}

TEST_CASE("a token is kept until five minutes before its end, and longer while no other is to be had") {
  Fixture f;
  f.with_secret();
  const auto cache = f.cache();
  CHECK(cache->get({}).value() == "T1");
  f.answer = Fixture::token("T2");
  f.clock.time += std::chrono::minutes(54);
  CHECK(cache->get({}).value() == "T1");
  f.clock.time += std::chrono::minutes(1);
  CHECK(cache->get({}).value() == "T2");
  f.answer = http_answer("503 Busy");
  f.clock.time += std::chrono::minutes(56);
  CHECK(cache->get({}).value() == "T2");
  f.clock.time += std::chrono::minutes(4);
  CHECK_FALSE(cache->get({}));
}

TEST_CASE("a token that the store refuses is replaced once") {
  Fixture f;
  f.with_secret();
  std::string good = "T2";
  ScriptedServer store([&](const std::string& request) {
    f.answer = Fixture::token("T2");
    return contains(request, "Authorization: Bearer " + good + "\r\n")
               ? http_answer("201 Created", "", "ETag: \"e\"\r\n")
               : http_answer("401 Unauthorized", "", "x-ms-error-code: InvalidAuthenticationInfo\r\n");
  });
  const auto backend = make_azure_backend(
      {.container = "c", .endpoint = store.url(), .environment = f.environment(), .clock = &f.clock});
  CHECK(put_error(*backend, "k", some_bytes(3)) == "none");
  CHECK(store.requests().size() == 2);
  good = "T3";
  CHECK(put_error(*backend, "k", some_bytes(3)) == "permission_denied: put k: InvalidAuthenticationInfo (HTTP 401)");
  CHECK(store.requests().size() == 3);  // the source has no other
}

TEST_CASE("a token is not sent in the clear") {
  Fixture f;
  f.with_secret();
  const auto backend = make_azure_backend(
      {.account = "a", .container = "c", .endpoint = "http://store.example", .environment = f.environment()});
  CHECK(put_error(*backend, "k", some_bytes(3)) == "invalid_argument: put k: a token is sent over https only");
  CHECK(f.server.requests().empty());
}

TEST_CASE("keys of the environment come before tokens") {
  Fixture f;
  f.with_secret();
  ScriptedServer store([](const std::string&) { return http_answer("201 Created", "", "ETag: \"e\"\r\n"); });
  const auto sent = [&] {
    const auto backend =
        make_azure_backend({.account = "a", .container = "c", .endpoint = store.url(), .environment = f.environment()});
    CHECK(put_error(*backend, "k", some_bytes(3)) == "none");
    return store.requests().back();
  };
  CHECK(contains(sent(), "Authorization: Bearer T1"));
  f.variables["LITESTREAM_AZURE_ACCOUNT_KEY"] = "AAAA";
  CHECK(contains(sent(), "Authorization: SharedKey a:"));
  f.variables["LITESTREAM_AZURE_SAS_TOKEN"] = "sv=1&sig=2";
  CHECK(sent().starts_with("PUT /c/k?sv=1&sig=2 HTTP/"));
}
