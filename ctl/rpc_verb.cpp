// `litestreamctl rpc METHOD [JSON]`: any call, also of methods this program does not know.
#include <boost/json/parse.hpp>

#include "connect.hpp"
#include "control_call.hpp"
#include "output.hpp"

namespace litestreamctl {

namespace json = boost::json;

namespace {

constexpr const char* kExample = R"(litestreamctl rpc -socket PATH status '{"path": "/data/app.db"}')";

tl::expected<json::value, Problem> params_in(const std::string& text) {
  boost::system::error_code error;
  json::value params = json::parse(text, error);
  if (error) return misuse("parameters are no JSON: " + error.message(), kExample);
  if (!params.is_object() && !params.is_array()) return misuse("parameters must be a JSON object", kExample);
  return params;
}

Outcome run_rpc(const cli::Arguments& args) {
  if (args.value("socket").empty()) return misuse("socket path required; use -socket flag");
  if (args.positional().empty()) return misuse("method required", kExample);
  if (args.positional().size() > 2) return misuse("too many arguments", kExample);
  json::value params;
  if (args.positional().size() == 2) {
    auto given = params_in(args.positional()[1]);
    if (!given) return tl::unexpected(given.error());
    params = std::move(*given);
  }
  const auto timeout = timeout_of(args);
  if (!timeout) return tl::unexpected(timeout.error());
  auto client = dial(args);
  if (!client) return tl::unexpected(client.error());
  const auto result = client->call(args.positional().front(), params, *timeout);
  if (!result) return problem(result.error());
  return printed(pretty(*result));
}

}  // namespace

Verb rpc_verb() {
  return {"rpc", "METHOD [JSON]", "Call any method of the control protocol and print its result.",
          with_connection_flags({{"timeout", "SECONDS", "how long to wait for the reply; not sent", "30"}}), run_rpc};
}

}  // namespace litestreamctl
