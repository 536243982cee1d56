// The WebDAV backend against other servers than Apache, good and bad.
#include "backend/webdav/multistatus.hpp"
#include "replica/backends/webdav.hpp"
#include "support/catch.hpp"
#include "support/scripted_server.hpp"

using namespace replica;
using support::http_answer;
using support::ScriptedServer;

namespace {

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "none" : std::string(name(result.error().code)) + ": " + result.error().message;
}

template <class T>
std::string code_of(const Result<T>& result) {
  return result ? "none" : std::string(name(result.error().code));
}

std::string file(const std::string& href, const std::string& size = "1") {
  return "<D:response><D:href>" + href + "</D:href><D:propstat><D:prop><D:resourcetype/><D:getcontentlength>" + size +
         "</D:getcontentlength><D:getlastmodified>Fri, 24 May 2013 00:00:00 GMT</D:getlastmodified></D:prop>"
         "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>";
}

std::string folder(const std::string& href) {
  return "<D:response><D:href>" + href +
         "</D:href><D:propstat><D:prop><D:resourcetype><D:collection/></D:resourcetype></D:prop>"
         "<D:status>HTTP/1.1 200 OK</D:status></D:propstat><D:propstat><D:prop><D:getcontentlength/></D:prop>"
         "<D:status>HTTP/1.1 404 Not Found</D:status></D:propstat></D:response>";
}

std::string document(const std::string& responses) {
  return "<?xml version=\"1.0\"?><D:multistatus xmlns:D=\"DAV:\">" + responses + "</D:multistatus>";
}

std::string multistatus(const std::string& responses) {
  return http_answer("207 Multi-Status", document(responses), "Content-Type: application/xml\r\n");
}

bool is(const std::string& request, const std::string& line) { return request.starts_with(line + " HTTP/1.1\r\n"); }

std::unique_ptr<Backend> backend_at(const ScriptedServer& server,
                                    std::chrono::milliseconds patience = std::chrono::seconds(30)) {
  return make_webdav_backend({.url = server.url() + "/dav",
                              .prefix = "p/",
                              .connect_timeout = std::chrono::milliseconds(1000),
                              .progress_timeout = patience});
}

std::string put(Backend& backend, const std::string& key = "k") {
  const std::string text = "body";
  MemorySource body(std::as_bytes(std::span(text)));
  return error_of(backend.put(key, body, {}, {}));
}

Result<std::vector<std::string>> keys(Backend& backend) {
  std::vector<std::string> out;
  auto listed = backend.list("", "", [&](const ObjectInfo& o) { return out.push_back(o.key), true; }, {});
  if (!listed) return pass(listed);
  return out;
}

// A server that has the folder; `more` answers what is not a look at it.
ScriptedServer::Script with_folder(const ScriptedServer::Script& more) {
  return [more](const std::string& request) {
    if (is(request, "PROPFIND /dav/p/")) return multistatus(folder("/dav/p/"));
    if (request.starts_with("DELETE")) return http_answer("204 No Content");
    return more(request);
  };
}

std::string lines_of(ScriptedServer& server) {
  std::string out;
  for (const std::string& request : server.requests()) {
    std::string line = request.substr(0, request.find(" HTTP"));
    if (const std::size_t temp = line.find(".put-"); temp != std::string::npos) line = line.substr(0, temp) + "TEMP";
    if (const std::size_t overwrite = request.find("\r\nOverwrite: "); overwrite != std::string::npos)
      line += " " + request.substr(overwrite + 13, 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace

TEST_CASE("a server that is not known to put files aside replaces them by moving") {
  ScriptedServer server(with_folder([](const std::string& request) {
    if (request.starts_with("PUT")) return http_answer("201 Created");
    if (is(request, "PROPFIND /dav/p/k")) return multistatus(file("/dav/p/k"));
    if (request.starts_with("OPTIONS")) return http_answer("200 OK", "", "DAV: 1, 2\r\n");
    const bool overwrites = request.find("\r\nOverwrite: T\r\n") != std::string::npos;
    return overwrites ? http_answer("204 No Content") : http_answer("412 Precondition Failed");
  }));
  CHECK(put(*backend_at(server)) == "none");
  CHECK(lines_of(server) ==
        "PROPFIND /dav/p/\nPUT /dav/p/TEMP\nMOVE /dav/p/TEMP F\nPROPFIND /dav/p/k\nOPTIONS /dav/p/\nMOVE /dav/p/TEMP "
        "T\n");
  CHECK(server.requests().back().find("\r\nDestination: " + server.url() + "/dav/p/k\r\n") != std::string::npos);
}

TEST_CASE("what fails leaves no temporary file, and is told") {
  struct Row {
    const char *put, *move, *error, *hint;
  };
  const auto row = GENERATE(values<Row>({
      {"507 Insufficient Storage", "", "no_space: put k: (HTTP 507)", ""},
      {"403 Forbidden", "", "permission_denied: put k: (HTTP 403)",
       "the user must be allowed to read, write and list there"},
      {"405 Method Not Allowed", "", "invalid_argument: put k: (HTTP 405)", "is the address that of a WebDAV folder?"},
      {"503 Busy", "", "busy: put k: (HTTP 503)", ""},
      {"302 Found", "", "invalid_argument: put k: (HTTP 302)", "is the address that of a WebDAV folder?"},
      {"201 Created", "423 Locked", "busy: put k: MOVE: (HTTP 423)", ""},
      {"201 Created", "404 Not Found", "unavailable: put k: MOVE: (HTTP 404)",
       "is the address that of a WebDAV folder?"},
      {"201 Created", "207 Multi-Status", "unavailable: put k: MOVE: (HTTP 207)",
       "is the address that of a WebDAV folder?"},
      {"201 Created", "502 Bad Gateway", "unavailable: put k: MOVE: (HTTP 502)",
       "the server does not know itself by this address; a proxy in front must not change scheme or host"},
  }));
  ScriptedServer server(with_folder(
      [&](const std::string& request) { return http_answer(request.starts_with("PUT") ? row.put : row.move); }));
  const auto backend = backend_at(server);
  const std::string text = "body";
  MemorySource body(std::as_bytes(std::span(text)));
  const auto stored = backend->put("k", body, {}, {});
  CHECK(error_of(stored) == row.error);
  CHECK(stored.error().hint == row.hint);
  CHECK(lines_of(server).ends_with("DELETE /dav/p/TEMP\n"));
}

TEST_CASE("a page that is no answer of WebDAV is not taken for one") {
  const std::string page = "<html xmlns=\"http://www.w3.org/1999/xhtml\"><body>Please log in</body></html>";
  const auto [status, code] = GENERATE(table<std::string, std::string>(
      {{"200 OK", "unavailable"}, {"207 Multi-Status", "unavailable"}, {"404 Not Found", "invalid_argument"}}));
  ScriptedServer server([&, s = status](const std::string&) { return http_answer(s, page); });
  const auto backend = backend_at(server);
  CHECK(code_of(keys(*backend)) == code);
  CHECK(code_of(backend->stat("k", {})) == code);
  CHECK(put(*backend).starts_with(code + ": "));
  CHECK(code_of(backend->remove("k", {})) == code);
  MemorySink out;
  if (status == "404 Not Found") CHECK(code_of(backend->get("k", {}, out, {})) == code);
}

TEST_CASE("nothing is believed to be missing where no folder is above it") {
  std::string root = "207";
  ScriptedServer server([&](const std::string& request) {
    if (is(request, "PROPFIND /dav/") && root == "207") return multistatus(folder("/dav/"));
    return http_answer(is(request, "PROPFIND /dav/") ? root : "404 Not Found");
  });
  const auto backend = backend_at(server);
  CHECK(keys(*backend).value().empty());
  CHECK(code_of(backend->stat("a/b/k", {})) == "not_found");
  CHECK(code_of(backend->remove("a/b/k", {})) == "none");
  for (const char* other : {"404 Not Found", "405 Method Not Allowed", "200 OK", "301 Moved"}) {
    root = other;
    const auto listed = keys(*backend);
    INFO(error_of(listed));
    REQUIRE_FALSE(listed);
    CHECK(code_of(listed) == (root == "200 OK" ? "unavailable" : "invalid_argument"));
    CHECK(listed.error().hint == "is the address that of a WebDAV folder?");
  }
}

TEST_CASE("a silent server is given up within the progress deadline") {
  ScriptedServer server([](const std::string&) { return std::string(ScriptedServer::kSilence); });
  const auto backend = backend_at(server, ScriptedServer::kBrief);
  MemorySink out;
  CHECK(put(*backend).starts_with("timed_out: "));
  CHECK(code_of(backend->get("k", {}, out, {})) == "timed_out");
  CHECK(code_of(backend->stat("k", {})) == "timed_out");
  CHECK(code_of(keys(*backend)) == "timed_out");
  CHECK(code_of(backend->remove("k", {})) == "timed_out");
}

TEST_CASE("listings in all their spellings") {
  const std::string time = "Fri, 24 May 2013 00:00:00 GMT";
  // No prefix, another prefix declared where it is used, the properties of another namespace in between.
  const std::string text =
      "<multistatus xmlns=\"DAV:\" xmlns:o=\"other:\"><o:response>no</o:response>"
      "<response><href>http://h:80/dav/p/</href><propstat><prop><resourcetype><collection/></resourcetype></prop>"
      "</propstat></response>"
      "<x:response xmlns:x=\"DAV:\"><x:href>\n /dav/p/a%20b \n</x:href><x:propstat><x:status>HTTP/1.1 404 no</x:status>"
      "<x:prop><x:getetag/></x:prop></x:propstat><x:propstat><x:prop><o:getcontentlength>9</o:getcontentlength>"
      "<x:resourcetype/><x:getcontentlength>7</x:getcontentlength><x:getlastmodified>" +
      time +
      "</x:getlastmodified></x:prop><x:status>HTTP/1.1 200 OK</x:status></x:propstat></x:response>"
      "<response><href>/dav/p/gone</href><status>HTTP/1.1 404 Not Found</status></response></multistatus>";
  const auto found = webdav::parse_multistatus(text);
  INFO(error_of(found));
  REQUIRE(found);
  REQUIRE(found->size() == 2);
  CHECK(found->at(0).path == "/dav/p");
  CHECK(found->at(0).is_folder);
  CHECK(found->at(1).path == "/dav/p/a b");
  CHECK(found->at(1).size == 7);
  CHECK_FALSE(found->at(1).is_folder);
  // An element of that name in another namespace is none of ours.
  CHECK_FALSE(webdav::parse_multistatus("<multistatus xmlns=\"other:\"/>"));
  CHECK_FALSE(webdav::parse_multistatus("<multistatus/>"));
  CHECK_FALSE(webdav::parse_multistatus(document(file("/a", "many"))));
  CHECK_FALSE(webdav::parse_multistatus(document("<D:response/>")));
  CHECK(webdav::parse_multistatus(document("")).value().empty());
}

TEST_CASE("hrefs lead to paths") {
  CHECK(webdav::path_of_href("/a/b/") == "/a/b");
  CHECK(webdav::path_of_href("https://h/a%2fb?x#y") == "/a/b");
  CHECK(webdav::path_of_href("http://h:1").empty());
  CHECK(webdav::path_of_href("http://h/").empty());
  CHECK(webdav::path_of_href("/").empty());
  CHECK(webdav::path_of_href("/a://b") == "/a://b");
  CHECK(webdav::path_of_href("").empty());
}

TEST_CASE("what a folder holds is found whatever the server calls itself") {
  std::string answer;
  ScriptedServer server([&](const std::string&) { return answer; });
  const auto backend = backend_at(server);
  // Behind a proxy that takes a part of the path away; the folder itself last.
  answer = multistatus(file("/p/b") + file("/p/a") + file("/p/x.tmp") + file("/p/c%2Fd") + folder("/p/"));
  CHECK(keys(*backend).value() == std::vector<std::string>{"a", "b"});
  answer = multistatus(folder("/dav/p/") + file("/elsewhere/a"));
  CHECK(code_of(keys(*backend)) == "unavailable");
  answer = multistatus("");
  CHECK(code_of(keys(*backend)) == "unavailable");
  answer = multistatus(file("/dav/p"));  // a file where the folder should be
  CHECK(keys(*backend).value().empty());
}

TEST_CASE("XML of any kind is survived") {
  const std::string good = document(folder("/dav/p/") + file("/dav/p/a"));
  CHECK(webdav::parse_multistatus(good).value().size() == 2);
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    CHECK_FALSE(webdav::parse_multistatus(std::string_view(good).substr(0, cut)));
    std::string spoilt = good;
    spoilt[cut] = '<';
    static_cast<void>(webdav::parse_multistatus(spoilt));
  }
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  CHECK_FALSE(webdav::parse_multistatus(deep));
  CHECK_FALSE(webdav::parse_multistatus("<!DOCTYPE x [<!ENTITY a \"b\">]>" + document(file("/&a;", "&a;"))));
}
