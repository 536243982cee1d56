// The NATS backend against nats-server: the exam, who is let in, and what is left behind.
#include "nats_server.hpp"

#include "backend/nats/bucket.hpp"
#include "support/test_server.hpp"

using namespace replica;
using namespace servers;

namespace {

class TestClock final : public Clock {
 public:
  Timestamp now() const override { return SystemClock().now(); }
  Steady steady() const override { return steady_; }
  void pass(std::chrono::seconds time) { steady_ += time; }

 private:
  Steady steady_ = SystemClock().steady();
};

std::string stat_error(const NatsBackendOptions& options) {
  const auto backend = make_nats_backend(options);
  return error_of(backend->stat("missing", {}));
}

constexpr const char* kLetIn = "not_found: object missing does not exist";

// Messages in the bucket's stream.
std::uint64_t messages(const NatsBackendOptions& options) {
  auto connection = backend::nats::Connection::open(options, {});
  REQUIRE(connection);
  auto answer = (*connection)->request("$JS.API.STREAM.INFO.OBJ_" + options.bucket, "", {});
  REQUIRE(answer);
  const std::string text(backend::nats::text_of(*answer));
  const auto at = text.find("\"messages\":");
  REQUIRE(at != std::string::npos);
  return std::stoull(text.substr(at + 11));
}

}  // namespace

TEST_CASE("NATS passes the exam") {
  if (skipped_without(kNats)) return;
  Nats nats;
  sit_exam(*make_nats_backend(nats.options()));
  CHECK(messages(nats.options()) == 0);
}

TEST_CASE("a NATS bucket that is missing is an error, unless it is to be made") {
  if (skipped_without(kNats)) return;
  Nats nats;
  auto options = nats.options();
  options.create_bucket = false;
  auto refused = make_nats_backend(options)->stat("missing", {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::invalid_argument);
  CHECK(refused.error().hint.find("nats object add") != std::string::npos);
  CHECK(stat_error(nats.options()) == kLetIn);
  CHECK(stat_error(options) == kLetIn);
}

TEST_CASE("NATS passes the exam on a bucket without direct gets") {
  if (skipped_without(kNats)) return;
  Nats nats;
  auto options = nats.options();
  options.create_bucket = false;
  {
    auto connection = backend::nats::Connection::open(options, {});
    REQUIRE(connection);
    auto made = (*connection)
                    ->request("$JS.API.STREAM.CREATE.OBJ_backups",
                              R"({"name": "OBJ_backups", "subjects": ["$O.backups.C.>", "$O.backups.M.>"],
                                  "discard": "new", "allow_rollup_hdrs": true})",
                              {});
    REQUIRE(made);
  }
  sit_exam(*make_nats_backend(options));
  CHECK(messages(options) == 0);
}

TEST_CASE("NATS takes user and password, or a token, and tells without them what is wrong") {
  if (skipped_without(kNats)) return;
  const bool by_token = GENERATE(false, true);
  Nats nats(by_token ? "authorization { token: \"s3cret\" }" : "authorization { user: me, password: \"s3cret\" }");
  auto options = nats.options();
  options.user = by_token ? "" : "me";
  (by_token ? options.token : options.password) = "s3cret";
  CHECK(stat_error(options) == kLetIn);
  (by_token ? options.token : options.password) = "guessed";
  auto refused = make_nats_backend(options)->stat("missing", {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::permission_denied);
  CHECK_FALSE(refused.error().hint.empty());
  CHECK((refused.error().message + refused.error().hint).find("guessed") == std::string::npos);
}

TEST_CASE("a NATS user who may not is told at once") {
  if (skipped_without(kNats)) return;
  Nats nats(
      "authorization { users: [ {user: all, password: a}, {user: few, password: b, permissions: { publish: { deny: "
      "[\"$O.backups.C.>\"] } } } ] }");
  auto options = nats.options();
  options.user = "all", options.password = "a";
  CHECK(stat_error(options) == kLetIn);
  options.user = "few", options.password = "b";
  const auto backend = make_nats_backend(options);
  const std::vector<std::byte> data(1000);
  MemorySource body(data);
  auto put = backend->put("a", body, {}, {});
  CHECK(error_of(put).starts_with("permission_denied: nats 127.0.0.1:"));
  CHECK(error_of(backend->stat("a", {})) == "not_found: object a does not exist");
}

TEST_CASE("NATS passes the exam on a current server") {
  const std::string current = SERVERS_DIR "/nats/bin/nats-server";
  if (skipped_without(current)) return;
  Nats nats("", {}, current);
  sit_exam(*make_nats_backend(nats.options()));
  CHECK(messages(nats.options()) == 0);
}

TEST_CASE("NATS logs in with a JWT, a credentials file or an nkey") {
  if (skipped_without(kNats) || skipped_without(kNatsPython)) return;
  auto dir = std::make_shared<support::TempDir>();
  run({kNatsPython, BACKENDS_DIR "/nats_client.py", "keys", dir->path()});
  const auto way = GENERATE(0, 1, 2);
  const std::string seed = tools::read_file(dir->path("user.seed"));
  const std::string settings =
      way == 2 ? "authorization { users: [ {nkey: " + tools::read_file(dir->path("user.pub")) + "} ] }"
               : tools::read_file(dir->path("operator.conf"));
  Nats nats(settings, dir);
  auto options = nats.options();
  CHECK(stat_error(options).starts_with("permission_denied: "));
  if (way == 0) options.credentials_path = dir->path("user.creds");
  if (way == 1) options.jwt = tools::read_file(dir->path("user.jwt")), options.seed = seed;
  if (way == 2) options.nkey = tools::read_file(dir->path("user.pub")), options.seed = seed;
  CHECK(stat_error(options) == kLetIn);
  const std::vector<std::byte> data = some_bytes(300'000);
  CHECK(put_error(*make_nats_backend(options), "a", data) == "none");
  if (way != 0) return;
  options.credentials_path = "/nowhere/user.creds";
  CHECK(stat_error(options).starts_with("permission_denied: nats 127.0.0.1:"));
}

TEST_CASE("a NATS user is let in when the signature begins with a zero") {
  REQUIRE(nats_Open(-1) == NATS_OK);
  const std::string seed = "SUANTDB7BVQ2KKHRFEPLE2VOJ54VWRNYTUG7MCYKOQJPS6SJQP4KB4OKGE";
  std::vector<std::string> nonces(2);
  for (int i = 0; nonces[0].empty() || nonces[1].empty(); ++i) {
    const std::string nonce = "nonce" + std::to_string(i);
    unsigned char* signature = nullptr;
    int size = 0;
    REQUIRE(nats_Sign(seed.c_str(), nonce.c_str(), &signature, &size) == NATS_OK);
    nonces[*signature == 0 ? 0 : 1] = nonce;
    std::free(signature);
  }
  // Greets each connection with the next nonce, and lets in who has signed.
  support::Socket listener;
  REQUIRE(support::bind_to(listener, 0));
  REQUIRE(::listen(listener.fd(), 4) == 0);
  int unsigned_users = 0;
  std::jthread server([&] {
    for (const std::string& nonce : nonces) {
      const support::Socket user(::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
      const auto say = [&](const std::string& text) { ::send(user.fd(), text.data(), text.size(), MSG_NOSIGNAL); };
      say(R"(INFO {"server_id":"N","version":"2.9.10","proto":1,"headers":true,"auth_required":true,"nonce":")" +
          nonce + "\"}\r\n");
      std::string heard;
      char chunk[4096];
      for (ssize_t got = 1; got > 0 && heard.find("PING\r\n") == std::string::npos;) {
        got = ::recv(user.fd(), chunk, sizeof chunk, 0);
        heard.append(chunk, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      }
      if (heard.empty()) continue;
      const bool is_signed = heard.find("\"sig\"") != std::string::npos;
      if (!is_signed) ++unsigned_users;
      say(is_signed ? "PONG\r\n" : "-ERR 'Authorization Violation'\r\n");
    }
  });
  NatsBackendOptions options;
  options.url = "nats://127.0.0.1:" + std::to_string(support::port_of(listener));
  options.jwt = "a.b.c", options.seed = seed;
  const auto connection = backend::nats::Connection::open(options, {});
  ::shutdown(listener.fd(), SHUT_RDWR);  // who still waits is let go
  server.join();
  CHECK(error_of(connection) == "none");
  CHECK(unsigned_users == 0);
}

TEST_CASE("NATS credentials are read from the file nsc writes") {
  using backend::nats::parse_credentials;
  const std::string text =
      "-----BEGIN NATS USER JWT-----\r\neyJ.a.b\r\n------END NATS USER JWT------\r\n\n*** IMPORTANT ***\n\n"
      "-----BEGIN USER NKEY SEED-----\n  SUAM\n------END USER NKEY SEED------\n";
  const auto read = parse_credentials(text);
  REQUIRE(read);
  CHECK(read->jwt == "eyJ.a.b");
  CHECK(read->seed == "SUAM");
  // Cut anywhere it is whole or refused, and never told.
  for (std::size_t length = 0; length < text.size(); ++length) {
    const auto cut = parse_credentials(text.substr(0, length));
    if (cut) {
      CHECK(cut->jwt == "eyJ.a.b");
      CHECK(length > text.find("SUAM"));
    } else {
      CHECK(cut.error().code == Errc::permission_denied);
      CHECK(cut.error().message.find("eyJ") == std::string::npos);
    }
  }
  CHECK_FALSE(parse_credentials("-----BEGIN NATS USER JWT-----\n------END NATS USER JWT------\n"));
}

TEST_CASE("NATS goes over TLS, with a certificate of its own, and refuses a server it does not know") {
  if (skipped_without(kNats)) return;
  auto dir = std::make_shared<support::TempDir>();
  for (const char* name : {"server", "client"}) {
    run({"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
         "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
         dir->path(std::string(name) + ".key"), "-out", dir->path(std::string(name) + ".pem")});
  }
  Nats nats("tls { cert_file: \"" + dir->path("server.pem") + "\", key_file: \"" + dir->path("server.key") +
                "\", ca_file: \"" + dir->path("client.pem") + "\", verify: true }",
            dir);
  auto options = nats.options();
  options.tls = true;
  options.client_cert = dir->path("client.pem"), options.client_key = dir->path("client.key");
  CHECK(stat_error(options).starts_with("permission_denied: "));
  options.root_cas = {dir->path("server.pem")};
  CHECK(stat_error(options) == kLetIn);
  options.client_cert.clear(), options.client_key.clear();
  CHECK_FALSE(stat_error(options) == kLetIn);
}

// A listing that has seen enough goes while descriptions that others write still come to it.
TEST_CASE("NATS: a subscription goes while messages for it come") {
  if (skipped_without(kNats)) return;
  Nats nats;
  auto opened = backend::nats::Connection::open(nats.options(), {});
  REQUIRE(opened);
  const backend::nats::Connection& connection = **opened;
  const std::string text(100, 'x');
  for (int i = 0; i < 1000; ++i) {
    auto inbox = connection.inbox({}, true);
    REQUIRE(inbox);
    for (int k = 0; k < 20; ++k) {
      REQUIRE(connection.publish(inbox->subject, "nobody", std::as_bytes(std::span(text)), {}));
    }
    auto first = connection.next(inbox->subscription.get(), inbox->subject, {});
    REQUIRE(first);
    CHECK(backend::nats::text_of(*first) == text);
    if (i % 2 == 0) continue;
    inbox->subscription.reset();
    REQUIRE(connection.request("$JS.API.INFO", "", {}));  // what ended before it is freed now
  }
}

TEST_CASE("NATS goes on after a restart of the server") {
  if (skipped_without(kNats)) return;
  Nats nats;
  const auto backend = make_nats_backend(nats.options());
  const auto data = some_bytes(1'000'000);
  CHECK(put_error(*backend, "a", data) == "none");
  nats.server().kill();
  CHECK(put_error(*backend, "b", data).starts_with("unavailable: nats 127.0.0.1:"));
  nats.server().start();
  CHECK(put_error(*make_retrying_backend(std::shared_ptr<Backend>(make_nats_backend(nats.options()))), "b", data) ==
        "none");
  MemorySink sink;
  CHECK(error_of(make_retrying_backend(make_nats_backend(nats.options()))->get("a", {}, sink, {})) == "none");
  CHECK(sink.data() == data);
}

TEST_CASE("NATS: a server that is away is asked once in reconnect-wait, and found when it is back") {
  if (skipped_without(kNats)) return;
  Nats nats;
  TestClock clock;
  auto options = nats.options();
  options.clock = &clock;
  options.max_reconnects = 2;
  options.reconnect_wait = std::chrono::seconds(5);
  const auto backend = make_nats_backend(options);
  CHECK(put_error(*backend, "a", some_bytes(10)) == "none");
  nats.server().kill();
  const auto stat = [&] { return backend->stat("a", {}); };
  const auto is_attempt = [](const Result<ObjectInfo>& failed) {
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == Errc::unavailable);
    const std::string& text = failed.error().message;
    return text.find(": connect: ") != std::string::npos && text.find("tried again") == std::string::npos;
  };
  while (!is_attempt(stat())) {
    // Until the loss of the connection is noticed.
  }
  for (int attempt = 1; attempt < 3; ++attempt) {
    const auto early = stat();
    CHECK_FALSE(is_attempt(early));
    CHECK(early.error().message.find("(tried again in ") != std::string::npos);
    clock.pass(std::chrono::seconds(5));
    CHECK(is_attempt(stat()));
  }
  // Now it is back, but was given up: the next attempt is a minute after the last.
  nats.server().start();
  clock.pass(std::chrono::seconds(59));
  const auto given_up = stat();
  REQUIRE_FALSE(given_up);
  CHECK(given_up.error().hint.find("max-reconnects") != std::string::npos);
  clock.pass(std::chrono::seconds(1));
  CHECK(error_of(stat()) == "none");
  // And is asked anew at once when it is lost again.
  nats.server().kill();
  nats.server().start();
  if (!stat()) CHECK(error_of(stat()) == "none");  // the first notices the loss, if nothing did before
}

TEST_CASE("a silent NATS server is given up, at once when the caller stops") {
  if (skipped_without(kNats)) return;
  Nats nats;
  auto options = nats.options();
  options.timeout = std::chrono::milliseconds(500);
  const auto backend = make_nats_backend(options);
  CHECK(put_error(*backend, "a", some_bytes(10)) == "none");
  nats.server().silence();
  const auto begin = std::chrono::steady_clock::now();
  const std::string error = error_of(backend->stat("a", {}));
  CHECK((error.starts_with("timed_out: ") || error.starts_with("unavailable: ")));
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
  std::stop_source stop;
  std::string stopped;
  {
    auto patient = nats.options();
    std::jthread caller(
        [&] { stopped = error_of(make_nats_backend(patient)->stat("a", {.stop = stop.get_token(), .deadline = {}})); });
    stop.request_stop();
  }
  CHECK(stopped.starts_with("cancelled: "));
  nats.server().go_on();
  CHECK(error_of(make_nats_backend(nats.options())->stat("a", {})) == "none");
}

TEST_CASE("a full NATS bucket is no_space and keeps nothing of the put") {
  if (skipped_without(kNats)) return;
  Nats nats("jetstream { max_file_store: 3MB }");
  const auto backend = make_nats_backend(nats.options());
  const auto small = some_bytes(500'000), large = some_bytes(6'000'000);
  CHECK(put_error(*backend, "a", small) == "none");
  const auto before = messages(nats.options());
  MemorySource body(large);
  auto refused = backend->put("b", body, {}, {});
  REQUIRE_FALSE(refused);
  INFO(refused.error().message);
  CHECK(refused.error().code == Errc::no_space);
  CHECK(messages(nats.options()) == before);
  MemorySink sink;
  CHECK(error_of(backend->get("a", {}, sink, {})) == "none");
  CHECK(sink.data() == small);
}

TEST_CASE("a NATS object is read in blocks and from the middle, between chunks of others") {
  if (skipped_without(kNats)) return;
  Nats nats;
  const auto backend = make_nats_backend(nats.options());
  const auto data = some_bytes(5'000'000);
  // Chunks of several objects lie mixed in the stream.
  {
    std::vector<std::jthread> writers;
    writers.reserve(4);
    for (int i = 0; i < 4; ++i) {
      writers.emplace_back([&, i] { CHECK(put_error(*backend, "o" + std::to_string(i), data) == "none"); });
    }
  }
  const auto part_of = [&](Backend& from, std::uint64_t offset, std::uint64_t length) {
    MemorySink sink;
    CHECK(error_of(from.get("o2", {offset, length}, sink, {})) == "none");
    const auto begin = data.begin() + static_cast<std::ptrdiff_t>(offset);
    return std::equal(sink.data().begin(), sink.data().end(), begin, begin + static_cast<std::ptrdiff_t>(length));
  };
  const auto fresh = make_nats_backend(nats.options());
  CHECK(part_of(*fresh, 3'000'000, 100));
  CHECK(part_of(*fresh, 3'000'050, 1'000'000));
  CHECK(part_of(*fresh, 10, 131'072));
  for (std::uint64_t at = 0; at < data.size(); at += 1'000'000) CHECK(part_of(*fresh, at, 1'000'000));
  CHECK(part_of(*fresh, 4'999'999, 1));
}

TEST_CASE("what we put another NATS client gets, and the other way round") {
  if (skipped_without(kNats) || skipped_without(kNatsPython)) return;
  Nats nats;
  const auto options = nats.options();
  const auto client = [&](std::vector<std::string> arguments) {
    std::vector<std::string> command = {kNatsPython, BACKENDS_DIR "/nats_client.py"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return tools::run_process(command, {.output = nats.dir().path("client.log"), .unset = {}},
                              std::chrono::seconds(60));
  };
  const std::string file = nats.dir().path("file"), back = nats.dir().path("back");
  const auto data = some_bytes(1'000'000);
  std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(data.data()), 1'000'000);
  REQUIRE(client({"put", options.url, options.bucket, "theirs/\xc3\xa4 b", file}) == 0);
  const auto backend = make_nats_backend(options);
  MemorySink sink;
  CHECK(error_of(backend->get("theirs/\xc3\xa4 b", {}, sink, {})) == "none");
  CHECK(sink.data() == data);
  CHECK(put_error(*backend, "ours/x", data) == "none");
  INFO(tools::read_file(nats.dir().path("client.log")));
  REQUIRE(client({"get", options.url, options.bucket, "ours/x", back}) == 0);
  CHECK(tools::read_file(back) == tools::read_file(file));
  // What they delete leaves a mark, which is no object.
  REQUIRE(client({"delete", options.url, options.bucket, "ours/x"}) == 0);
  CHECK(error_of(backend->stat("ours/x", {})) == "not_found: object ours/x does not exist");
  std::vector<std::string> keys;
  CHECK(backend->list("", "", [&](const ObjectInfo& one) { return keys.push_back(one.key), true; }, {}));
  CHECK(keys == std::vector<std::string>{"theirs/\xc3\xa4 b"});
  MemorySource body(data);
  CHECK(error_of(backend->put("ours/x", body, {.if_absent = true}, {})) == "none");
  CHECK(error_of(backend->remove("theirs/\xc3\xa4 b", {})) == "none");
  REQUIRE(client({"list", options.url, options.bucket}) == 0);
  CHECK(tools::read_file(nats.dir().path("client.log")).find("ours/x\n") != std::string::npos);
  CHECK(tools::read_file(nats.dir().path("client.log")).find("theirs") == std::string::npos);
}

TEST_CASE("NATS passes the exam with the permissions that docs/backends.md names") {
  if (skipped_without(kNats)) return;
  const std::string allowed =
      R"(["$O.backups.>", "$JS.API.STREAM.INFO.OBJ_backups", "$JS.API.STREAM.MSG.GET.OBJ_backups",
          "$JS.API.DIRECT.GET.OBJ_backups", "$JS.API.STREAM.PURGE.OBJ_backups", "$JS.API.CONSUMER.CREATE.OBJ_backups",
          "$JS.API.CONSUMER.INFO.OBJ_backups.*", "$JS.API.CONSUMER.DELETE.OBJ_backups.*"])";
  Nats nats("authorization { users: [ {user: all, password: a}, {user: few, password: b, permissions: { publish: " +
            allowed + ", subscribe: \"_INBOX.>\" } } ] }");
  auto options = nats.options();
  options.user = "all", options.password = "a";
  CHECK(stat_error(options) == kLetIn);
  options.user = "few", options.password = "b";
  options.create_bucket = false;
  sit_exam(*make_nats_backend(options));
}
