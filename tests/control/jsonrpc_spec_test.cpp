// The examples of section 7 of the JSON-RPC 2.0 specification, through the dispatcher: methods of ours stand where the
// specification has its own (stop for subtract, list for get_data, sync for update and sum), the shapes, ids, codes and
// messages are the specification's. jsonrpc_test.cpp has them as they stand, on the codec alone.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <set>

#include "control/dispatcher.hpp"
#include "control/fixture.hpp"

namespace json = boost::json;
using control_test::FakeService;

namespace {

struct Specification {
  FakeService service;
  control::Dispatcher dispatcher{service};

  // Without "data", which the specification leaves to the server.
  json::value answer(const std::string& text) const {
    const auto reply = dispatcher.handle(text);
    if (!reply) return nullptr;
    json::value value = json::parse(*reply);
    if (value.is_array()) {
      for (json::value& one : value.get_array()) strip_data(one);
    } else {
      strip_data(value);
    }
    return value;
  }
  static void strip_data(json::value& reply) {
    if (json::value* error = reply.get_object().if_contains("error")) error->get_object().erase("data");
  }
  void example(const std::string& request, const std::string& reply) const {
    INFO(request);
    CHECK(json::serialize(answer(request)) == json::serialize(json::parse(reply)));
  }
  void nothing(const std::string& request) const {
    INFO(request);
    CHECK_FALSE(dispatcher.handle(request));
  }
};

constexpr const char* kInvalid =
    R"({"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null})";
constexpr const char* kNoJson =
    R"({"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null})";
constexpr const char* kStopped = R"("result": {"status": "stopped", "path": "/b.db", "txid": 42, "changed": true})";
const std::string kList = R"("result": [{"path": "/a.db", "status": "open"}, {"path": "/b.db", "status": "closed"}])";

}  // namespace

TEST_CASE_METHOD(Specification, "rpc call with positional parameters") {
  // Methods without required parameters take an empty list; no other list says which parameter is which.
  example(R"({"jsonrpc": "2.0", "method": "list", "params": [], "id": 1})",
          R"({"jsonrpc": "2.0", )" + kList + R"(, "id": 1})");
  example(R"({"jsonrpc": "2.0", "method": "stop", "params": ["/b.db", 30], "id": 2})",
          R"({"jsonrpc": "2.0", "error": {"code": -32602, "message": "params must be an object"}, "id": 2})");
}

TEST_CASE_METHOD(Specification, "rpc call with named parameters, in any order") {
  example(R"({"jsonrpc": "2.0", "method": "stop", "params": {"path": "/b.db", "timeout": 23}, "id": 3})",
          R"({"jsonrpc": "2.0", )" + std::string(kStopped) + R"(, "id": 3})");
  example(R"({"jsonrpc": "2.0", "method": "stop", "params": {"timeout": 23, "path": "/b.db"}, "id": 4})",
          R"({"jsonrpc": "2.0", )" + std::string(kStopped) + R"(, "id": 4})");
  example(R"({"id": 5, "params": {"path": "/b.db"}, "method": "stop", "jsonrpc": "2.0"})",
          R"({"jsonrpc": "2.0", )" + std::string(kStopped) + R"(, "id": 5})");
}

TEST_CASE_METHOD(Specification, "a notification is carried out and never answered") {
  nothing(R"({"jsonrpc": "2.0", "method": "sync", "params": {"path": "/b.db"}})");
  nothing(R"({"jsonrpc": "2.0", "method": "foobar"})");
  nothing(R"({"jsonrpc": "2.0", "method": "sync", "params": [1,2,3,4,5]})");         // not even an error of parameters
  nothing(R"({"jsonrpc": "2.0", "method": "stop", "params": {"path": "/no.db"}})");  // nor one of the method
  CHECK(service.calls() == std::vector<std::string>{"sync /b.db", "stop /no.db"});
}

TEST_CASE_METHOD(Specification, "rpc call of non-existent method") {
  example(R"({"jsonrpc": "2.0", "method": "foobar", "id": "1"})",
          R"({"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "1"})");
}

TEST_CASE_METHOD(Specification, "rpc call with invalid JSON") {
  example(R"({"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz])", kNoJson);
}

TEST_CASE_METHOD(Specification, "rpc call with invalid Request object") {
  example(R"({"jsonrpc": "2.0", "method": 1, "params": "bar"})", kInvalid);
  // The id is told when it can be found out.
  example(R"({"jsonrpc": "2.0", "method": 1, "id": 7})",
          R"({"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": 7})");
}

TEST_CASE_METHOD(Specification, "rpc call Batch, invalid JSON") {
  example(R"([
    {"jsonrpc": "2.0", "method": "stop", "params": {"path": "/b.db"}, "id": "1"},
    {"jsonrpc": "2.0", "method"
  ])",
          kNoJson);
  CHECK(service.calls().empty());
}

TEST_CASE_METHOD(Specification, "rpc call with an empty Array") { example("[]", kInvalid); }

TEST_CASE_METHOD(Specification, "rpc call with an invalid Batch, but not empty") {
  example("[1]", "[" + std::string(kInvalid) + "]");
  example("[1,2,3]", "[" + std::string(kInvalid) + "," + kInvalid + "," + kInvalid + "]");
}

TEST_CASE_METHOD(Specification, "rpc call Batch") {
  example(R"([
    {"jsonrpc": "2.0", "method": "stop", "params": {"path": "/b.db"}, "id": "1"},
    {"jsonrpc": "2.0", "method": "sync", "params": {"path": "/a.db"}},
    {"jsonrpc": "2.0", "method": "stop", "params": {"path": "/b.db", "timeout": 5}, "id": "2"},
    {"foo": "boo"},
    {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
    {"jsonrpc": "2.0", "method": "list", "id": "9"}
  ])",
          R"([
    {"jsonrpc": "2.0", )" +
              std::string(kStopped) + R"(, "id": "1"},
    {"jsonrpc": "2.0", )" +
              kStopped + R"(, "id": "2"},
    {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
    {"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "5"},
    {"jsonrpc": "2.0", )" +
              kList + R"(, "id": "9"}
  ])");
  CHECK(service.calls() == std::vector<std::string>{"stop /b.db", "sync /a.db", "stop /b.db", "list"});
}

TEST_CASE_METHOD(Specification, "rpc call Batch, all notifications") {
  nothing(R"([
    {"jsonrpc": "2.0", "method": "sync", "params": {"path": "/a.db"}},
    {"jsonrpc": "2.0", "method": "stop", "params": {"path": "/b.db"}}
  ])");
  CHECK(service.calls() == std::vector<std::string>{"sync /a.db", "stop /b.db"});
}

TEST_CASE_METHOD(Specification, "ids of every kind come back as they were written, alone and in a batch") {
  const char* ids[] = {"0",
                       "-1",
                       "9007199254740993",
                       "18446744073709551616",
                       "123456789012345678901234567890",
                       "1.5",
                       "1.0e2",
                       "\"\"",
                       "\"1\"",
                       "\"\\u0000\"",
                       "null",
                       "\"id\"",
                       "-99999999999999999999.5"};
  for (const std::string id : ids) {
    INFO(id);
    const std::string request = R"({"jsonrpc": "2.0", "method": "info2", "id": )" + id + "}";
    const auto alone = dispatcher.handle(request);
    REQUIRE(alone);
    CHECK(alone->ends_with("\"id\":" + id + "}"));
    const auto batch = dispatcher.handle("[" + request + ",7]");
    REQUIRE(batch);
    CHECK(batch->find("\"id\":" + id + "},") != std::string::npos);
  }
  for (const char* id : {"true", "{}", "[1]"}) {
    const std::string request = std::string(R"({"jsonrpc": "2.0", "method": "list", "id": )") + id + "}";
    example(request, kInvalid);
    example("[" + request + "]", "[" + std::string(kInvalid) + "]");
  }
  CHECK(service.calls().empty());
}

TEST_CASE_METHOD(Specification, "two calls of a batch may have the same id, and a null id is no notification") {
  const json::value replies = answer(R"([{"jsonrpc": "2.0", "method": "list", "id": 1},
                                         {"jsonrpc": "2.0", "method": "stop", "params": {"path": "/b.db"}, "id": 1},
                                         {"jsonrpc": "2.0", "method": "list", "id": null}])");
  REQUIRE(replies.as_array().size() == 3);
  CHECK(replies.at(0).at("id") == 1);
  CHECK(replies.at(1).at("id") == 1);
  CHECK(replies.at(2).at("id").is_null());
  for (const json::value& reply : replies.as_array()) CHECK(reply.as_object().contains("result"));
}

TEST_CASE_METHOD(Specification, "a key that occurs twice makes nothing happen") {
  const auto twice = [](const std::string& key) {
    return R"({"jsonrpc": "2.0", "error": {"code": -32600, "message": "key occurs twice: )" + key +
           R"("}, "id": null})";
  };
  example(R"({"jsonrpc": "2.0", "method": "stop", "method": "list", "params": {"path": "/b.db"}, "id": 1})",
          twice("method"));
  example(R"({"jsonrpc": "2.0", "method": "stop", "params": {"path": "/a.db", "path": "/b.db"}, "id": 1})",
          twice("path"));
  example(R"([{"jsonrpc": "2.0", "method": "stop", "params": {"path": "/b.db"}, "id": 1},
              {"jsonrpc": "2.0", "method": "list", "id": 2, "id": 3}])",
          twice("id"));
  CHECK(service.calls().empty());
}

TEST_CASE_METHOD(Specification, "a reply has a result or an error, never both, and says its version") {
  for (const char* request :
       {R"({"jsonrpc": "2.0", "method": "list", "id": 1})", R"({"jsonrpc": "2.0", "method": "x", "id": 1})",
        R"({"jsonrpc": "1.0", "method": "list", "id": 1})", "1", "{", "{}"}) {
    INFO(request);
    const json::value reply = answer(request);
    std::set<std::string> members;
    for (const auto& [key, value] : reply.as_object()) members.emplace(key);
    CHECK((members == std::set<std::string>{"jsonrpc", "result", "id"} ||
           members == std::set<std::string>{"jsonrpc", "error", "id"}));
    CHECK(reply.at("jsonrpc") == "2.0");
  }
}
