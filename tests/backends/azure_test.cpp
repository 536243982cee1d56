// The Azure backend against a server that checks what it is sent.
#include "azurite.hpp"
#include "backend/azure/blocks.hpp"
#include "backend/digest.hpp"
#include "exam.hpp"

using namespace replica;
using namespace servers;

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20U;

template <class T>
std::string code_of(const Result<T>& result) {
  return result ? "none" : std::string(name(result.error().code));
}

Result<ObjectInfo> put(Backend& backend, std::string_view key, Bytes data, const PutOptions& options = {}) {
  MemorySource body(data);
  return backend.put(key, body, options, {});
}

Result<std::vector<std::byte>> get(Backend& backend, std::string_view key) {
  MemorySink out;
  if (auto got = backend.get(key, {}, out, {}); !got) return pass(got);
  return out.take();
}

std::vector<ObjectInfo> listed(Backend& backend) {
  std::vector<ObjectInfo> out;
  REQUIRE(error_of(backend.list("", "", [&](const ObjectInfo& o) { return out.push_back(o), true; }, {})) == "none");
  return out;
}

// An account SAS: learn.microsoft.com/rest/api/storageservices/create-account-sas
std::string sas(const AzureOptions& options, const std::string& permissions) {
  const std::string expires = "2099-01-01T00:00:00Z", version = "2019-12-12";
  std::vector<std::byte> key;
  REQUIRE(backend::from_base64(options.account_key, key));
  const std::string text =
      options.account + "\n" + permissions + "\nb\nsco\n\n" + expires + "\n\nhttps,http\n" + version + "\n";
  const std::string signature = backend::base64_of(backend::hmac_sha256(key, backend::bytes_of(text)));
  return azure::encode_query({{"sv", version},
                              {"ss", "b"},
                              {"srt", "sco"},
                              {"sp", permissions},
                              {"se", expires},
                              {"spr", "https,http"},
                              {"sig", signature}});
}

// Every operation, each of which must fail.
std::vector<Error> refusals(Backend& backend) {
  MemorySink out;
  std::vector<Error> errors;
  errors.push_back(put(backend, "k", some_bytes(10)).error());
  errors.push_back(put(backend, "k", some_bytes(9 * kMiB)).error());
  errors.push_back(backend.get("k", {}, out, {}).error());
  errors.push_back(backend.stat("k", {}).error());
  errors.push_back(backend.list("", "", [](const ObjectInfo&) { return true; }, {}).error());
  errors.push_back(backend.remove("k", {}).error());
  return errors;
}

}  // namespace

TEST_CASE("Azure passes the exam") {
  if (!have_azurite()) return;
  const Azurite azurite;
  auto options = azurite.options();
  SECTION("with a key") {}
  SECTION("with a key and a prefix") { options.prefix = "some/where/"; }
  SECTION("with a SAS token") {
    options.sas_token = "?" + sas(options, "racwdl");
    options.account_key.clear();
  }
  const auto backend = make_azure_backend(options);
  sit_exam(*backend);
  CHECK(listed(*azurite.backend()).empty());
}

TEST_CASE("wrong credentials for Azure are refused with a hint, and not shown") {
  if (!have_azurite()) return;
  const Azurite azurite;
  auto options = azurite.options();
  std::string secret;
  SECTION("key") { options.account_key = secret = backend::base64_of(backend::bytes_of("another secret")); }
  SECTION("SAS") {
    auto other = options;
    other.account_key = backend::base64_of(backend::bytes_of("another secret"));
    options.sas_token = sas(other, "racwdl");
    secret = options.sas_token.substr(options.sas_token.find("sig=") + 4);
  }
  const auto backend = make_azure_backend(options);
  for (const Error& error : refusals(*backend)) {
    INFO(error.message);
    CHECK(error.code == Errc::permission_denied);
    CHECK(error.hint.starts_with("check account-key or sas-token"));
    CHECK((error.message + error.hint).find(secret) == std::string::npos);
  }
}

TEST_CASE("a SAS token that allows too little is told") {
  if (!have_azurite()) return;
  const Azurite azurite;
  auto options = azurite.options();
  options.sas_token = sas(options, "rl");
  const auto reader = make_azure_backend(options), owner = make_azure_backend(azurite.options());
  REQUIRE(put(*owner, "k", some_bytes(10)));
  CHECK(get(*reader, "k").value() == some_bytes(10));
  CHECK(listed(*reader).size() == 1);
  CHECK(code_of(put(*reader, "k", some_bytes(11))) == "permission_denied");
  CHECK(code_of(reader->remove("k", {})) == "permission_denied");
  CHECK(reader->remove("k", {}).error().hint.find("racwdl") != std::string::npos);
}

TEST_CASE("a missing container is no empty store") {
  if (!have_azurite()) return;
  const Azurite azurite;
  auto options = azurite.options();
  options.container = "other";
  const auto backend = make_azure_backend(options);
  for (const Error& error : refusals(*backend)) {
    INFO(error.message);
    CHECK(error.code == Errc::invalid_argument);
    CHECK(error.hint == "create the container, or correct its name");
  }
}

TEST_CASE("the time of a blob is kept in its metadata and listed") {
  if (!have_azurite()) return;
  const Azurite azurite;
  const auto backend = azurite.backend();
  const Timestamp time = parse_rfc3339("2021-02-03T04:05:06.789Z").value();
  for (const std::size_t size : {std::size_t{10}, 9 * kMiB}) {
    REQUIRE(error_of(put(*backend, "k", some_bytes(size), {.modified_at = time})) == "none");
    CHECK(backend->stat("k", {}).value().modified_at == time);
    const auto blobs = listed(*backend);
    REQUIRE(blobs.size() == 1);
    CHECK(blobs[0].modified_at == time);
    CHECK(blobs[0].size == size);
  }
  REQUIRE(put(*backend, "k", some_bytes(10)));
  CHECK(SystemClock().now() - backend->stat("k", {}).value().modified_at < std::chrono::hours(1));
}

TEST_CASE("large bodies go up in blocks") {
  if (!have_azurite()) return;
  const Azurite azurite;
  auto options = azurite.options();
  options.concurrency = GENERATE(1, 3, 8);
  options.part_size = kMiB;
  const auto backend = make_azure_backend(options);
  const auto data = some_bytes(6 * kMiB + 1);
  REQUIRE(error_of(put(*backend, "large", data)) == "none");
  CHECK(get(*backend, "large").value() == data);
  const auto blocks = azure::Container(options).send({.key = "large", .query = {{"comp", "blocklist"}}}, "blocks", {});
  std::size_t count = 0;
  for (auto at = blocks->body.find("<Size>"); at != std::string::npos; at = blocks->body.find("<Size>", at + 1))
    ++count;
  CHECK(count == 7);
}

TEST_CASE("an upload of blocks that fails leaves nothing to be read") {
  if (!have_azurite()) return;
  const Azurite azurite;
  const auto backend = azurite.backend();
  const auto data = some_bytes(12 * kMiB);

  class Odd final : public Source {
   public:
    Odd(Bytes bytes, std::uint64_t says, std::stop_source* stop) : inner_(bytes), says_(says), stop_(stop) {}
    Result<std::size_t> read(MutableBytes out) override {
      if (stop_ != nullptr) stop_->request_stop();
      return inner_.read(out);
    }
    std::uint64_t size() const override { return says_; }
    Result<void> rewind() override { return inner_.rewind(); }

   private:
    MemorySource inner_;
    std::uint64_t says_;
    std::stop_source* stop_;
  };
  std::stop_source stop;
  Odd longer(data, data.size() - 1, nullptr), shorter(data, data.size() + 1, nullptr),
      stopped(data, data.size(), &stop);
  CHECK(error_of(backend->put("k", longer, {}, {})) == "corrupt: put k: body has more than 12582911 bytes");
  CHECK(error_of(backend->put("k", shorter, {}, {})) == "corrupt: put k: body has less than 12582913 bytes");
  CHECK(code_of(backend->put("k", stopped, {}, {.stop = stop.get_token(), .deadline = {}})) == "cancelled");
  CHECK(listed(*backend).empty());
  CHECK(code_of(backend->stat("k", {})) == "not_found");
  // What they left is in nobody's way.
  REQUIRE(error_of(put(*backend, "k", data)) == "none");
  CHECK(get(*backend, "k").value() == data);
}

TEST_CASE("a blob that exists is not replaced on condition") {
  if (!have_azurite()) return;
  const Azurite azurite;
  const auto backend = azurite.backend();
  const auto small = some_bytes(10), large = some_bytes(9 * kMiB);
  for (const auto& first : {small, large}) {
    REQUIRE(error_of(put(*backend, "k", first, {.if_absent = true})) == "none");
    for (const auto& second : {small, large})
      CHECK(error_of(put(*backend, "k", second, {.if_absent = true})) ==
            "precondition_failed: object k exists already");
    CHECK(get(*backend, "k").value() == first);
    REQUIRE(backend->remove("k", {}));
  }
}

TEST_CASE("a request or body that was changed on its way is refused") {
  if (!have_azurite()) return;
  const Azurite azurite;
  azure::Container container(azurite.options());
  const auto data = some_bytes(1000), other = some_bytes(999);
  MemorySource body(data);
  azure::Operation operation{.method = "PUT", .key = "k"};
  operation.headers = {{"x-ms-blob-type", "BlockBlob"},
                       {"Content-MD5", backend::base64_of(backend::md5(Bytes(other)))}};
  operation.body = &body;
  CHECK(container.send(operation, "put k", {}).error().message.find("contentMD5 doesn't match") != std::string::npos);
  const auto moved = [&](const std::function<void(http::Request&)>& change) {
    auto request = container.prepare({.method = "DELETE", .key = "a"}, {});
    change(*request);
    return container.client().send(*request, {})->status;
  };
  CHECK(moved([](http::Request& r) { r.url.back() = 'b'; }) == 403);
  CHECK(moved([](http::Request& r) { r.url += "?snapshot=x"; }) == 403);
  CHECK(moved([](http::Request& r) { r.headers.push_back({.name = "x-ms-delete-snapshots", .value = "only"}); }) ==
        403);
  CHECK(listed(*azurite.backend()).empty());
}

TEST_CASE("a blob store that comes back is used again") {
  if (!have_azurite()) return;
  Azurite azurite;
  const auto once = azurite.backend();
  const auto patient = make_retrying_backend(
      once, {.attempts = 2, .wait = [&](std::chrono::milliseconds, const Call&) {
               azurite.server().start();
               static_cast<void>(azure::Container(azurite.options())
                                     .send({.method = "PUT", .query = {{"restype", "container"}}}, "container", {}));
             }});
  REQUIRE(put(*once, "before", some_bytes(10)));
  azurite.server().stop();
  CHECK(code_of(put(*once, "during", some_bytes(10))) == "unavailable");
  CHECK(code_of(once->stat("before", {})) == "unavailable");
  CHECK(error_of(put(*patient, "after", some_bytes(10))) == "none");
  CHECK(get(*once, "after").value() == some_bytes(10));
}

TEST_CASE("names with a backslash are refused, for they would be others") {
  const auto backend = make_azure_backend({.account = "a", .container = "c", .account_key = "AAAA"});
  for (const Error& error : {put(*backend, "a\\b", some_bytes(1)).error(), backend->stat("a\\b", {}).error(),
                             backend->remove("a\\b", {}).error(),
                             backend->list("a\\", "", [](const ObjectInfo&) { return true; }, {}).error()})
    CHECK(error.code == Errc::unsupported);
}

TEST_CASE("other blobs of the container are neither listed nor touched") {
  if (!have_azurite()) return;
  const Azurite azurite;
  const auto all = azurite.backend(), below = azurite.backend("db/");
  for (const std::string_view key : {"dbx", "db2/x", "db/x", "da"}) REQUIRE(put(*all, key, some_bytes(1)));
  const auto keys = listed(*below);
  REQUIRE(keys.size() == 1);
  CHECK(keys[0].key == "x");
  REQUIRE(below->remove("x", {}));
  CHECK(listed(*all).size() == 3);
}
