#include "control/jsonrpc.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <random>

#include "control/dispatcher.hpp"
#include "control/fixture.hpp"
#include "rpc/json_reader.hpp"

namespace json = boost::json;
namespace jsonrpc = control::jsonrpc;
using control_test::FakeService;

namespace {

// Answers the way the examples of the specification do: their methods, our codec.
json::value example_method(const jsonrpc::Request& request, bool& known) {
  known = true;
  const json::value& p = request.params;
  if (request.method == "subtract" && p.is_array()) return p.at(0).as_int64() - p.at(1).as_int64();
  if (request.method == "subtract") return p.at("minuend").as_int64() - p.at("subtrahend").as_int64();
  if (request.method == "sum") return p.at(0).as_int64() + p.at(1).as_int64() + p.at(2).as_int64();
  if (request.method == "get_data") return json::array{"hello", 5};
  if (request.method == "update" || request.method.starts_with("notify_")) return nullptr;
  known = false;
  return nullptr;
}

std::string answer(const std::string& text) {
  const jsonrpc::Incoming incoming = jsonrpc::parse(text);
  std::vector<std::string> replies;
  for (const auto& call : incoming.calls) {
    if (!call) {
      replies.push_back(jsonrpc::print_error(call.error().id, call.error().error));
      continue;
    }
    bool known = false;
    const json::value result = example_method(*call, known);
    if (!call->id) continue;
    replies.push_back(known ? jsonrpc::print_result(*call->id, result)
                            : jsonrpc::print_error(
                                  *call->id, {.code = control::code::kMethodNotFound, .message = "Method not found"}));
  }
  if (replies.empty()) return "";
  std::string joined;
  for (const std::string& reply : replies) joined += (joined.empty() ? "" : ",") + reply;
  return incoming.batch ? "[" + joined + "]" : joined;
}

// Compares as JSON, without the member "data" that the specification leaves to the server.
void strip_data(json::value& value) {
  if (value.is_array()) {
    for (json::value& element : value.get_array()) strip_data(element);
  } else if (value.is_object() && value.get_object().contains("error")) {
    value.at("error").as_object().erase("data");
  }
}

void check_example(const std::string& request, const std::string& expected) {
  INFO(request);
  const std::string reply = answer(request);
  if (expected.empty()) {
    CHECK(reply.empty());
    return;
  }
  json::value actual = json::parse(reply);
  strip_data(actual);
  CHECK(actual == json::parse(expected));
}

const control::Error& error_of(const jsonrpc::Incoming& incoming) {
  REQUIRE(incoming.calls.size() == 1);
  REQUIRE(!incoming.calls[0]);
  return incoming.calls[0].error().error;
}

}  // namespace

TEST_CASE("every example of the JSON-RPC 2.0 specification") {
  check_example(R"({"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1})",
                R"({"jsonrpc": "2.0", "result": 19, "id": 1})");
  check_example(R"({"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2})",
                R"({"jsonrpc": "2.0", "result": -19, "id": 2})");
  check_example(R"({"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3})",
                R"({"jsonrpc": "2.0", "result": 19, "id": 3})");
  check_example(R"({"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4})",
                R"({"jsonrpc": "2.0", "result": 19, "id": 4})");
  check_example(R"({"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]})", "");
  check_example(R"({"jsonrpc": "2.0", "method": "foobar"})", "");
  check_example(R"({"jsonrpc": "2.0", "method": "foobar", "id": "1"})",
                R"({"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "1"})");
  check_example(R"({"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz])",
                R"({"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null})");
  check_example(R"({"jsonrpc": "2.0", "method": 1, "params": "bar"})",
                R"({"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null})");
  check_example(R"([{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},{"jsonrpc": "2.0", "method"])",
                R"({"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null})");
  check_example("[]", R"({"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null})");
  check_example("[1]", R"([{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}])");
  check_example("[1,2,3]", R"([
    {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
    {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
    {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}])");
  check_example(R"([
    {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
    {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
    {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
    {"foo": "boo"},
    {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
    {"jsonrpc": "2.0", "method": "get_data", "id": "9"}])",
                R"([
    {"jsonrpc": "2.0", "result": 7, "id": "1"},
    {"jsonrpc": "2.0", "result": 19, "id": "2"},
    {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
    {"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "5"},
    {"jsonrpc": "2.0", "result": ["hello", 5], "id": "9"}])");
  check_example(R"([{"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
                    {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}])",
                "");
}

TEST_CASE("ids come back as they were written") {
  const char* ids[] = {"1",     "-7",          "0",      "123456789012345678901234567890",
                       "1.50",  "1e3",         "1E+400", "\"\"",
                       "\"x\"", "\"\\u00e9\"", "null",   "18446744073709551616"};
  for (const std::string id : ids) {
    INFO(id);
    const auto incoming = jsonrpc::parse(R"({"method": "m", "params": {"id": 5, "x": {"id": 6}}, "id": )" + id + "}");
    REQUIRE(incoming.calls.at(0));
    const std::string expected = id == "\"\\u00e9\"" ? "\"é\"" : id;
    CHECK(incoming.calls[0]->id == expected);
    const auto batch = jsonrpc::parse(R"([7, {"method": "m", "id": )" + id + R"(}, {"method": "n", "id": 8}])");
    REQUIRE(batch.calls.size() == 3);
    REQUIRE(batch.calls[1]);
    CHECK(batch.calls[1]->id == expected);
    CHECK(batch.calls[2]->id == "8");
  }
  for (const std::string id : {"true", "[]", "{}", "{\"id\": 3}", "[1]"}) {
    INFO(id);
    const auto incoming = jsonrpc::parse(R"({"method": "m", "id": )" + id + "}");
    CHECK(error_of(incoming).code == -32600);
    CHECK(incoming.calls[0].error().id == "null");
  }
}

TEST_CASE("the envelope") {
  SECTION("jsonrpc may be missing but not wrong") {
    CHECK(jsonrpc::parse(R"({"method": "m", "id": 1})").calls[0]);
    for (const char* wrong : {"\"1.0\"", "2.0", "2", "null", "\"2.0 \""}) {
      const auto incoming = jsonrpc::parse(R"({"method": "m", "id": 1, "jsonrpc": )" + std::string(wrong) + "}");
      CHECK(error_of(incoming).code == -32600);
      CHECK(incoming.calls[0].error().id == "1");
    }
  }
  SECTION("a method must be a string, params a structure") {
    CHECK(error_of(jsonrpc::parse(R"({"id": 1})")).code == -32600);
    CHECK(error_of(jsonrpc::parse(R"({"method": null, "id": 1})")).code == -32600);
    CHECK(error_of(jsonrpc::parse(R"({"method": "m", "params": 3, "id": 1})")).code == -32600);
    CHECK(jsonrpc::parse(R"({"method": "m", "params": null, "id": 1})").calls[0]->params.is_null());
  }
  SECTION("top-level values that are no structure") {
    for (const char* text : {"1", "\"x\"", "null", "true"}) {
      CHECK(error_of(jsonrpc::parse(text)).message == "Invalid Request");
    }
    for (const char* text : {"", " ", "{", "nul", "{} {}", "{},", "\xff", "{\"a\":\"\xff\"}"}) {
      CHECK(error_of(jsonrpc::parse(text)).message == "Parse error");
    }
  }
  SECTION("unknown members are ignored") {
    CHECK(jsonrpc::parse(R"({"method": "m", "id": 1, "_meta": {"a": [1]}})").calls[0]);
  }
}

TEST_CASE("keys that occur twice") {
  const char* texts[] = {
      R"({"method": "a", "method": "b", "id": 1})",
      R"({"method": "a", "id": 1, "i\u0064": 2})",
      R"({"method": "a", "params": {"x": {"y": 1, "y": 1}}, "id": 1})",
      R"([{"method": "a", "id": 1}, {"method": "a", "id": 2, "id": 2}])",
  };
  for (const char* text : texts) {
    INFO(text);
    const auto incoming = jsonrpc::parse(text);
    CHECK(error_of(incoming).code == -32600);
    CHECK(error_of(incoming).reason == "duplicate_key");
    CHECK(incoming.calls[0].error().id == "null");
    CHECK_FALSE(incoming.batch);
  }
  CHECK(jsonrpc::parse(R"({"method": "a", "params": {"x": {"y": 1}, "y": {"y": 1}}, "id": 1})").calls[0]);
}

TEST_CASE("limits have their own answers") {
  const auto nested = [](std::size_t arrays) {
    return R"({"method": "m", "id": 1, "params": )" + std::string(arrays, '[') + std::string(arrays, ']') + "}";
  };
  CHECK(jsonrpc::parse(nested(31)).calls[0]);
  CHECK(error_of(jsonrpc::parse(nested(32))).reason == "too_deep");
  CHECK(error_of(jsonrpc::parse(nested(100'000))).code == -32600);

  const auto batch = [](int n) {
    std::string text = "[1";
    for (int i = 1; i < n; ++i) text += ",1";
    return text + "]";
  };
  CHECK(jsonrpc::parse(batch(100)).calls.size() == 100);
  CHECK(error_of(jsonrpc::parse(batch(101))).reason == "batch_too_large");
  CHECK(error_of(jsonrpc::parse(batch(101))).code == -32600);

  const std::string request = R"({"method": "m", "id": 1})";
  CHECK(jsonrpc::parse(request + std::string(control::Limits{}.max_body - request.size(), ' ')).calls[0]);
  CHECK(error_of(jsonrpc::parse(request + std::string(control::Limits{}.max_body - request.size() + 1, ' '))).reason ==
        "too_large");
}

TEST_CASE("requests and replies survive the way there and back") {
  const jsonrpc::Request request{.method = "st\"art", .params = json::parse(R"({"path": "/ü\n"})"), .id = "12"};
  const auto incoming = jsonrpc::parse(jsonrpc::print(request));
  REQUIRE(incoming.calls.at(0));
  CHECK(incoming.calls[0]->method == request.method);
  CHECK(incoming.calls[0]->params == request.params);
  CHECK(incoming.calls[0]->id == request.id);
  CHECK(jsonrpc::print({.method = "m"}) == R"({"jsonrpc":"2.0","method":"m"})");

  const control::Error error{.code = -32001, .message = "a\nb", .reason = "r", .hint = "h", .retryable = true};
  const auto failed = jsonrpc::parse_response(jsonrpc::print_error("3", error));
  REQUIRE(failed);
  CHECK(failed->id == "3");
  REQUIRE_FALSE(failed->outcome);
  CHECK(failed->outcome.error() == error);

  const auto done = jsonrpc::parse_response(jsonrpc::print_result("\"x\"", json::array{1, nullptr}));
  REQUIRE(done);
  CHECK(done->id == "\"x\"");
  REQUIRE(done->outcome);
  CHECK(*done->outcome == (json::array{1, nullptr}));
}

TEST_CASE("replies as they stand on the wire") {
  CHECK(jsonrpc::print_result("1", json::value(true)) == R"({"jsonrpc":"2.0","result":true,"id":1})");
  CHECK(jsonrpc::print_error("1", {.code = -32001, .message = "m"}) ==
        R"({"jsonrpc":"2.0","error":{"code":-32001,"message":"m"},"id":1})");
  CHECK(
      jsonrpc::print_error("null", {.code = -32004, .message = "m", .reason = "r", .hint = "h", .retryable = true}) ==
      R"({"jsonrpc":"2.0","error":{"code":-32004,"message":"m","data":{"reason":"r","hint":"h","retryable":true}},"id":null})");
}

TEST_CASE("replies that are none") {
  for (const char* text : {"", "x", "[]", "{}", R"({"id":1})", R"({"error":{},"id":1})", R"({"error":{"code":"x"}})"}) {
    INFO(text);
    const auto response = jsonrpc::parse_response(text);
    REQUIRE_FALSE(response);
    CHECK(response.error().code == control::code::kTransport);
  }
}

TEST_CASE("random bytes and mutated requests never do harm") {
  const unsigned seed = control_test::seed_of_this_run();
  INFO("CONTROL_TEST_SEED=" << seed);
  std::mt19937 random(seed);
  FakeService service;
  const control::Dispatcher dispatcher(service);
  const std::string model =
      R"([{"jsonrpc": "2.0", "method": "start", "params": {"path": "/b.db", "timeout": 1.5e0}, "id": "x\u00e9"},)"
      R"( {"jsonrpc": "2.0", "method": "list", "id": -12345678901234567890}])";
  for (int i = 0; i < 20'000; ++i) {
    std::string text = model;
    for (auto n = random() % 6; n > 0; --n) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, 1 + random() % 8);
          break;
        default:
          text.insert(at, model.substr(random() % model.size(), random() % 12));
      }
      if (text.empty()) text = "{";
    }
    const std::optional<std::string> reply = dispatcher.handle(text);
    if (!reply) continue;
    boost::system::error_code ec;
    json::parse(*reply, ec);
    INFO(text);
    REQUIRE_FALSE(ec);
  }
}
