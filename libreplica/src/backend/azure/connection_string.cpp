// learn.microsoft.com/azure/storage/common/storage-configure-connection-string
#include <map>

#include "base/text.hpp"
#include "replica/backends/azure.hpp"

namespace replica {
namespace {

// Of every emulator: published, and no secret.
constexpr const char* kDevelopmentAccount = "devstoreaccount1";
constexpr const char* kDevelopmentKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

using Fields = std::map<std::string, std::string, std::less<>>;

Failure refuse(std::string what) {
  return fail(Errc::invalid_argument, std::move(what), "copy it from the access keys of the storage account");
}

Result<Fields> split(std::string_view text) {
  Fields out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string_view field = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (field.find_first_not_of(" \t\r\n") == std::string_view::npos) continue;
    const std::size_t equals = field.find('=');
    if (equals == std::string_view::npos || equals == 0) return refuse("connection string: a part is not NAME=VALUE");
    out.insert_or_assign(std::string(field.substr(0, equals)), std::string(field.substr(equals + 1)));
  }
  return out;
}

}  // namespace

Result<AzureOptions> parse_azure_connection_string(std::string_view text) {
  auto fields = split(text);
  if (!fields) return pass(fields);
  const auto field = [&](std::string_view name) {
    const auto at = fields->find(name);
    return at == fields->end() ? std::string() : at->second;
  };
  AzureOptions out;
  if (field("UseDevelopmentStorage") == "true") {
    out.account = kDevelopmentAccount;
    out.account_key = kDevelopmentKey;
    out.endpoint = base::concat("http://127.0.0.1:10000/", kDevelopmentAccount);
    return out;
  }
  out.account = field("AccountName");
  out.account_key = field("AccountKey");
  out.sas_token = field("SharedAccessSignature");
  out.endpoint = field("BlobEndpoint");
  if (out.endpoint.empty() && out.account.empty())
    return refuse("connection string: neither AccountName nor BlobEndpoint is given");
  if (out.endpoint.empty()) {
    const std::string protocol = field("DefaultEndpointsProtocol"), suffix = field("EndpointSuffix");
    out.endpoint = base::concat(protocol.empty() ? "https" : protocol, "://", out.account, ".blob.",
                                suffix.empty() ? "core.windows.net" : suffix);
  }
  while (out.endpoint.ends_with('/')) out.endpoint.pop_back();
  return out;
}

}  // namespace replica
