// Azure Blob Storage, and emulators that speak its protocol.
#pragma once

#include <functional>

#include "replica/backend.hpp"

namespace replica {

struct AzureOptions {
  std::string account{};    // may be left out with an endpoint, unless there is an account key
  std::string container{};  // must exist
  std::string prefix{};     // in front of every key, as it is; not part of the keys that callers see
  std::string
      endpoint{};  // "https://host[:port][/path]" in front of the container; empty = ACCOUNT.blob.core.windows.net
  // The first of these that is given. Neither: LITESTREAM_AZURE_SAS_TOKEN or LITESTREAM_AZURE_ACCOUNT_KEY in the
  // environment; else a token of Entra ID for what AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET or
  // AZURE_FEDERATED_TOKEN_FILE say, or for the managed identity of this machine, or of who has logged in by `az login`.
  std::string sas_token{};
  std::string account_key{};                          // base64
  bool skip_verify = false;                           // takes any server certificate
  std::string ca_bundle{};                            // empty: AWS_CA_BUNDLE and others, else the system's
  std::uint64_t part_size = std::uint64_t{8} << 20U;  // larger bodies go up in blocks of at least this
  int concurrency = 5;                                // blocks of one body at once, each held in memory

  std::chrono::milliseconds connect_timeout{10'000}, progress_timeout{30'000};
  std::function<std::optional<std::string>(std::string_view)> environment{};  // empty = the process's
  const Clock* clock = nullptr;                                               // nullptr = the system's
};

// What a connection string says of the blob store: AccountName, AccountKey, SharedAccessSignature, BlobEndpoint,
// DefaultEndpointsProtocol with EndpointSuffix, UseDevelopmentStorage. invalid_argument, without the text, for others.
Result<AzureOptions> parse_azure_connection_string(std::string_view text);

// Blobs are put with their time as metadata litestreamtimestamp, which stat and list return.
std::unique_ptr<Backend> make_azure_backend(const AzureOptions& options);

}  // namespace replica
