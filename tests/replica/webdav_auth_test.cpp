// Basic and digest authentication, with the examples of RFC 7616 and RFC 7617.
#include "backend/webdav/auth.hpp"
#include "support/catch.hpp"

using namespace replica;
using webdav::Authenticator;
using webdav::Challenge;

namespace {

http::Response refusal(const std::vector<std::string>& challenges) {
  http::Response out{.status = 401, .headers = {{"date", "x"}}, .body = {}};
  for (const std::string& one : challenges) out.headers.push_back({.name = "www-authenticate", .value = one});
  return out;
}

const std::string kNonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
const std::string kOpaque = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS";

std::string rfc_challenge(const std::string& algorithm) {
  return "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=" + algorithm + ", nonce=\"" +
         kNonce + "\", opaque=\"" + kOpaque + "\"";
}

std::string rfc_answer(const Challenge& challenge) {
  return webdav::digest_header(
      challenge, "Mufasa", "Circle of Life",
      {.method = "GET", .uri = "/dir/index.html", .cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"});
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the examples of RFC 7616") {
  const auto md5 = webdav::choose_challenge(refusal({rfc_challenge("MD5")}));
  REQUIRE(md5);
  CHECK(has(rfc_answer(*md5), "response=\"8ca523f5e9506fed4657c9700eebdbec\""));
  const auto sha = webdav::choose_challenge(refusal({rfc_challenge("SHA-256")}));
  REQUIRE(sha);
  CHECK(rfc_answer(*sha) ==
        "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", nonce=\"" + kNonce +
            "\", uri=\"/dir/index.html\", algorithm=SHA-256, qop=auth, nc=00000001, "
            "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", "
            "response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\", opaque=\"" +
            kOpaque + "\"");
  // The better one is taken, in whatever order.
  for (const auto& both : {std::vector{rfc_challenge("MD5"), rfc_challenge("SHA-256")},
                           std::vector{rfc_challenge("SHA-256") + ", Basic realm=x", rfc_challenge("MD5")}})
    CHECK(webdav::choose_challenge(refusal(both))->algorithm == "SHA-256");
}

TEST_CASE("a digest without qop, as RFC 2069 had it") {
  // Its example, with the erratum.
  const auto old = webdav::choose_challenge(
      refusal({"Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
               "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""}));
  REQUIRE(old);
  const std::string answer =
      webdav::digest_header(*old, "Mufasa", "CircleOfLife", {.method = "GET", .uri = "/dir/index.html", .cnonce = "x"});
  CHECK(has(answer, "response=\"1949323746fe6a43ef61f9606e7febea\""));
  CHECK_FALSE(has(answer, "cnonce"));
}

TEST_CASE("challenges are read however they are written") {
  CHECK(webdav::choose_challenge(refusal({"basic"}))->scheme == Challenge::Scheme::basic);
  CHECK(webdav::choose_challenge(refusal({"Negotiate abc==, BASIC realm = \"a, \\\"b\\\"\""}))->realm == "a, \"b\"");
  const auto stale = webdav::choose_challenge(refusal({"DIGEST nonce=n,realm=r,stale=TRUE,qop=auth"}));
  REQUIRE(stale);
  CHECK(stale->is_stale);
  CHECK(stale->nonce == "n");
  // What we do not speak.
  for (const char* other : {"", "Negotiate", "Bearer realm=\"x\"", "Digest realm=r", "Digest nonce=n, algorithm=X",
                            "Digest nonce=n, qop=\"auth-int\"", "\"", "Digest nonce=\"n", "=", ",,,="}) {
    INFO(other);
    const auto read = webdav::choose_challenge(refusal({other}));
    CHECK((!read || std::string(other) == "Digest nonce=\"n"));
  }
  CHECK_FALSE(webdav::choose_challenge(refusal({})));
}

TEST_CASE("a name is given once it is known how") {
  Authenticator basic("Aladdin", "open sesame");
  CHECK_FALSE(basic.header("GET", "/"));
  CHECK(basic.learn(refusal({"Basic realm=x"}), std::nullopt));
  CHECK(basic.header("GET", "/") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  CHECK_FALSE(basic.learn(refusal({"Basic realm=x"}), basic.header("GET", "/")));
  Authenticator nobody("", "");
  CHECK_FALSE(nobody.learn(refusal({"Basic realm=x"}), std::nullopt));
  CHECK_FALSE(nobody.header("GET", "/"));
}

TEST_CASE("a nonce is used again, and its uses are counted") {
  Authenticator digest("u", "p");
  CHECK(digest.learn(refusal({"Digest realm=r, nonce=one, qop=auth"}), std::nullopt));
  CHECK(has(*digest.header("GET", "/"), "nc=00000001"));
  const auto second = digest.header("PUT", "/k");
  CHECK(has(*second, "nc=00000002"));
  CHECK(has(*second, "uri=\"/k\""));
  CHECK_FALSE(has(*second, "algorithm"));
  // An old nonce is no wrong password.
  CHECK(digest.learn(refusal({"Digest realm=r, nonce=two, qop=auth, stale=true"}), second));
  const auto third = digest.header("GET", "/");
  CHECK(has(*third, "nonce=\"two\""));
  CHECK(has(*third, "nc=00000001"));
  // Nor is one that another thread has replaced meanwhile.
  CHECK(digest.learn(refusal({"Digest realm=r, nonce=other, qop=auth"}), second));
  const auto fourth = digest.header("GET", "/");
  CHECK(has(*fourth, "nonce=\"two\""));
  // The same nonce once more goes on being counted.
  CHECK_FALSE(digest.learn(refusal({"Digest realm=r, nonce=two, qop=auth"}), fourth));
  CHECK(has(*digest.header("GET", "/"), "nc=00000003"));
  CHECK_FALSE(digest.learn(refusal({"Digest realm=r, nonce=three, qop=auth"}), fourth));
  // Another way than the one that was refused.
  CHECK(digest.learn(refusal({"Basic realm=r"}), third));
  CHECK(has(*digest.header("GET", "/"), "Basic "));
}

TEST_CASE("names with quotes stay names") {
  const Challenge challenge{.scheme = Challenge::Scheme::digest,
                            .realm = "a\"b",
                            .nonce = "n",
                            .opaque = {},
                            .algorithm = "MD5-sess",
                            .has_qop = true};
  const std::string answer =
      webdav::digest_header(challenge, "u\\\"", "p", {.method = "GET", .uri = "/", .cnonce = "c"});
  CHECK(has(answer, R"(username="u\\\"", realm="a\"b")"));
}
