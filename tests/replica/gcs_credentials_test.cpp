// Where the tokens for Google Cloud Storage come from, and how they are renewed.
#include "backend/gcs/jwt.hpp"
#include "gcs_key_fixture.hpp"
#include "http/status.hpp"
#include "replica/backends/gcs.hpp"

using namespace gcs_fixture;

TEST_CASE("a service account signs for its tokens, which are kept until shortly before their end") {
  Fixture f;
  int given = 0;
  bool failing = false;
  ScriptedServer google([&](const std::string&) {
    return failing ? http_answer("503 Oh", "") : token_answer("T" + std::to_string(++given));
  });
  const auto cache = f.cache(f.file("key.json", f.service_account(google.url() + "/token")));
  for (int i = 0; i < 3; ++i) CHECK(cache->get({}).value() == "T1");
  const std::string request = google.requests().at(0);
  CHECK(request.starts_with("POST /token HTTP/1.1\r\n"));
  CHECK(form_field(request, "grant_type") == "urn:ietf:params:oauth:grant-type:jwt-bearer");
  const json::object claims = verified(form_field(request, "assertion"));
  CHECK(backend::text_in(claims, "iss") == "a@p.example");
  CHECK(backend::text_in(claims, "aud") == google.url() + "/token");
  CHECK(backend::text_in(claims, "scope") == "https://www.googleapis.com/auth/devstorage.read_write");
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(f.clock.time.time_since_epoch()).count();
  CHECK(claims.at("iat").to_number<std::int64_t>() == now);
  CHECK(claims.at("exp").to_number<std::int64_t>() == now + 3600);
  f.clock.time += std::chrono::minutes(54);
  CHECK(cache->get({}).value() == "T1");
  f.clock.time += std::chrono::minutes(1);  // five minutes before the end
  CHECK(cache->get({}).value() == "T2");
  // While the source fails the old one is used, but not beyond its end.
  failing = true;
  f.clock.time += std::chrono::minutes(57);
  CHECK(cache->get({}).value() == "T2");
  f.clock.time += std::chrono::minutes(3);
  const auto failed = cache->get({});
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == Errc::busy);
  CHECK(google.requests().size() == 4);
}

TEST_CASE("a refused service account is told what to do: a new key, or the clock") {
  Fixture f;
  const std::string refusal = R"({"error":"invalid_grant","error_description":"Invalid JWT: check your iat and exp"})";
  std::string date = "Date: " + http::http_date(f.clock.time) + "\r\n";
  ScriptedServer google([&](const std::string&) { return http_answer("400 Bad Request", refusal, date); });
  const auto cache = f.cache(f.file("key.json", f.service_account(google.url() + "/token")));
  const auto refused = cache->get({});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::permission_denied);
  CHECK(refused.error().hint == "the credentials are not (or no longer) good: make a new key");
  date = "Date: " + http::http_date(f.clock.time + std::chrono::hours(2)) + "\r\n";
  CHECK(cache->get({}).error().hint == "set the clock of this machine: it is 120 minutes behind that of the store");
}

TEST_CASE("a user shows a refresh token") {
  Fixture f;
  ScriptedServer google([&](const std::string& request) {
    if (form_field(request, "refresh_token") == "R+1/2") return token_answer("USER");
    return http_answer("400 Bad Request", R"({"error":"invalid_grant","error_description":"Token has been revoked."})");
  });
  const auto user = [&](const std::string& refresh) {
    return R"({"type":"authorized_user","client_id":"id","client_secret":"hush","refresh_token":")" + refresh +
           R"(","token_uri":")" + google.url() + "\"}";
  };
  // The place where gcloud leaves it.
  f.file(".config/gcloud/application_default_credentials.json", user("R+1/2"));
  CHECK(f.token() == "USER");
  const std::string request = google.requests().at(0);
  CHECK(form_field(request, "grant_type") == "refresh_token");
  CHECK(form_field(request, "client_id") == "id");
  CHECK(form_field(request, "client_secret") == "hush");
  f.variables["GOOGLE_APPLICATION_CREDENTIALS"] = f.file("other.json", user("revoked"));
  const auto refused = f.cache()->get({});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::permission_denied);
  CHECK(refused.error().message == "find credentials: " + f.dir.path("other.json") +
                                       ": token of the user: invalid_grant: Token has been revoked. (HTTP 400)");
  CHECK(refused.error().message.find("hush") == std::string::npos);
}

TEST_CASE("a machine has an account of its own") {
  Fixture f;
  std::string answer = http_answer("200 OK", R"({"access_token":"MACHINE","expires_in":3599,"token_type":"Bearer"})",
                                   "Metadata-Flavor: Google\r\n");
  ScriptedServer metadata([&](const std::string&) { return answer; });
  f.variables["GCE_METADATA_HOST"] = metadata.url().substr(7);
  CHECK(f.token() == "MACHINE");
  const std::string request = metadata.requests().at(0);
  CHECK(request.starts_with("GET /computeMetadata/v1/instance/service-accounts/default/token?"));
  CHECK(request.find("Metadata-Flavor: Google\r\n") != std::string::npos);
  answer = http_answer("200 OK", R"({"access_token":"STRANGER","expires_in":1})");
  CHECK(f.token() == "permission_denied: find credentials: no credentials for Google Cloud Storage found");
  answer = http_answer("404 Not Found", "no such account", "Metadata-Flavor: Google\r\n");
  CHECK(f.token() == "permission_denied: find credentials: metadata of the machine: (HTTP 404)");
}

TEST_CASE("what is no key file is told without its content") {
  Fixture f;
  CHECK(f.token() == "permission_denied: find credentials: no credentials for Google Cloud Storage found");
  struct Row {
    const char *text, *error;
  };
  const auto row = GENERATE(values<Row>({
      {"hush", "invalid_argument: find credentials: FILE: no key file of Google"},
      {"[]", "invalid_argument: find credentials: FILE: no key file of Google"},
      {R"({"type":"external_account"})",
       "unsupported: find credentials: FILE: credentials of type \"external_account\""},
      {R"({"type":"service_account","client_email":"a"})",
       "invalid_argument: find credentials: FILE: client_email or private_key is missing"},
      {R"({"type":"service_account","client_email":"a","private_key":"hush"})",
       "invalid_argument: find credentials: FILE: the private key is no RSA key in PEM without a passphrase"},
      {R"({"type":"authorized_user","client_id":"a","client_secret":"hush"})",
       "invalid_argument: find credentials: FILE: refresh_token is missing"},
      {R"({"type":"authorized_user","client_id":"a","client_secret":"hush","refresh_token":"r","token_uri":"http://h/"})",
       "invalid_argument: find credentials: FILE: token of the user: token_uri leads to another machine without https"},
  }));
  const std::string path = f.file("key.json", row.text);
  std::string wanted = row.error;
  wanted.replace(wanted.find("FILE"), 4, path);
  CHECK(f.token(path) == wanted);
}

TEST_CASE("a key file that is named must be there") {
  Fixture f;
  f.variables["GOOGLE_APPLICATION_CREDENTIALS"] = f.dir.path("none");
  CHECK(f.token() ==
        "permission_denied: find credentials: credentials file " + f.dir.path("none") + " is not there or empty");
}

TEST_CASE("keys of other kinds do not sign") {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  CHECK_FALSE(gcs::sign_jwt("{}", "{}", std::string_view(data, static_cast<std::size_t>(size))));
  BIO_free(bio);
  EVP_PKEY_free(key);
}

TEST_CASE("a refused token is replaced once, another key file is taken over") {
  Fixture f;
  int given = 0;
  std::string good = "T2";
  std::string refusal = "401 Unauthorized";
  ScriptedServer google([&](const std::string& request) {
    if (request.starts_with("POST /token")) return token_answer("T" + std::to_string(++given));
    if (request.find("Authorization: Bearer " + good + "\r\n") == std::string::npos) return http_answer(refusal);
    return http_answer("200 OK", R"({"name":"k","size":"1","timeCreated":"2026-01-01T00:00:00Z"})");
  });
  GcsOptions options{.bucket = "b", .endpoint = google.url(), .environment = f.environment(), .clock = &f.clock};
  options.credentials_path = f.file("key.json", f.service_account(google.url() + "/token"));
  const auto backend = make_gcs_backend(options);
  CHECK(error_of(backend->stat("k", {})) == "none");
  CHECK(given == 2);
  CHECK(error_of(backend->stat("k", {})) == "none");
  CHECK(given == 2);
  good = "none at all";
  const auto refused = backend->stat("k", {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::permission_denied);
  CHECK(refused.error().hint == "the credentials are not (or no longer) good");
  CHECK(given == 3);
  // 403: the account may not. Asking for a new token helps only when it is another account's.
  refusal = "403 Forbidden";
  CHECK(error_of(backend->stat("k", {})) == "permission_denied: stat k: (HTTP 403)");
  const int before = given;
  CHECK_FALSE(backend->stat("k", {}));
  CHECK(given == before);
  good = "T" + std::to_string(before + 1);
  f.file("key.json", f.service_account(google.url() + "/token", "b@p.example"));
  CHECK(error_of(backend->stat("k", {})) == "none");
}

TEST_CASE("a body is sent again from its beginning with the new token") {
  Fixture f;
  int given = 0;
  ScriptedServer google([&](const std::string& request) {
    if (request.starts_with("POST /token")) return token_answer("T" + std::to_string(++given));
    if (request.find("Bearer T2\r\n") == std::string::npos) return http_answer("401 Unauthorized");
    return http_answer("200 OK", R"({"name":"k","size":"4","timeCreated":"2026-01-01T00:00:00Z"})");
  });
  GcsOptions options{.bucket = "b", .endpoint = google.url(), .environment = f.environment(), .clock = &f.clock};
  options.credentials_path = f.file("key.json", f.service_account(google.url() + "/token"));
  MemorySource body(backend::bytes_of("body"));
  CHECK(error_of(make_gcs_backend(options)->put("k", body, {}, {})) == "none");
  CHECK(google.requests().back().find("\r\n\r\nbody\r\n--") != std::string::npos);
}

TEST_CASE("a token is sent to the store only") {
  Fixture f;
  ScriptedServer elsewhere([](const std::string&) {
    return http_answer("200 OK", R"({"name":"k","size":"600000","timeCreated":"2026-01-01T00:00:00Z"})");
  });
  ScriptedServer google([&](const std::string& request) {
    if (request.starts_with("POST /token")) return token_answer("SECRET");
    return http_answer("200 OK", "", "Location: " + elsewhere.url() + "/session\r\n");
  });
  GcsOptions options{.bucket = "b", .endpoint = google.url(), .environment = f.environment(), .clock = &f.clock};
  options.part_size = 1;
  options.credentials_path = f.file("key.json", f.service_account(google.url() + "/token"));
  const std::vector<std::byte> data(600'000);
  MemorySource body(data);
  CHECK(error_of(make_gcs_backend(options)->put("k", body, {}, {})) == "none");
  REQUIRE_FALSE(elsewhere.requests().empty());
  for (const std::string& request : elsewhere.requests()) CHECK(request.find("SECRET") == std::string::npos);
  options.endpoint = "http://example.com";
  CHECK(error_of(make_gcs_backend(options)->stat("k", {})) ==
        "invalid_argument: stat k: credentials are not sent without TLS");
}
