#include "config/store_schema.hpp"

#include <algorithm>

#include "config/section.hpp"

namespace config {

using replica::Result;

namespace {

bool is_said(const std::string& value) { return !value.empty(); }
bool is_said(const std::vector<std::string>& value) { return !value.empty(); }
template <class T>
bool is_said(const std::optional<T>& value) {
  return value.has_value();
}

std::string text_of(const std::string& value) { return value; }
std::string text_of(const std::optional<bool>& value) { return *value ? "true" : "false"; }
std::string text_of(const std::optional<int>& value) { return std::to_string(*value); }
std::string text_of(const std::optional<Size>& value) { return std::to_string(value->bytes); }
std::string text_of(const std::optional<Duration>& value) { return format_duration(*value); }
std::string text_of(const std::vector<std::string>& value) {
  std::string out;
  for (const std::string& one : value) out += (out.empty() ? "[" : ", ") + quoted_text(one);
  return out + "]";
}

struct StoreKey {
  Key<StoreSettings> key;
  void (*inherit)(StoreSettings& own, const StoreSettings& defaults);
  std::optional<std::string> (*text)(const StoreSettings& settings);
  bool is_text = false, secret = false;
};

template <auto Member>
constexpr StoreKey row(std::string_view name, std::string_view doc, bool secret = false) {
  using Value = typename MemberOf<decltype(Member)>::Value;
  return {field<Member>(name, doc),
          [](StoreSettings& own, const StoreSettings& defaults) {
            if (!is_said(own.*Member)) own.*Member = defaults.*Member;
          },
          [](const StoreSettings& settings) {
            return is_said(settings.*Member) ? std::optional(text_of(settings.*Member)) : std::nullopt;
          },
          std::is_same_v<Value, std::string>, secret};
}

using S = StoreSettings;
constexpr bool kSecret = true;
constexpr StoreKey kRows[] = {
    row<&S::bucket>("bucket", "s3, gs: the bucket; s3: or the ARN of an access point"),
    row<&S::region>("region", "s3: found out when not given"),
    row<&S::endpoint>("endpoint",
                      "s3, gs: HOST:PORT or URL of another store than Amazon's or Google's; "
                      "for gs not taken from the top"),
    row<&S::access_key_id>("access-key-id", "s3: else the environment and the files of the AWS tools are asked",
                           kSecret),
    row<&S::secret_access_key>("secret-access-key", "s3", kSecret),
    row<&S::storage_class>("storage-class", "s3: of new objects (the bucket's)"),
    row<&S::force_path_style>("force-path-style",
                              "s3: the bucket in the path, not in the host (true with an endpoint)"),
    row<&S::sign_payload>("sign-payload", "s3: false = bodies are not hashed over https (true)"),
    row<&S::require_content_md5>("require-content-md5", "s3: true = bodies carry Content-MD5, for object lock (false)"),
    row<&S::sign_accept_encoding>("sign-accept-encoding", ""),
    row<&S::skip_verify>("skip-verify", "any certificate of the server is taken (false)"),
    row<&S::part_size>("part-size", "s3, gs: from which bodies go up in parts, and that of a part (s3 5MiB, gs 8MiB)"),
    row<&S::concurrency>("concurrency", "s3: parts of a body sent at once (5)"),
    row<&S::sse_customer_algorithm>("sse-customer-algorithm", "s3: AES256, when there is a customer key"),
    row<&S::sse_customer_key>("sse-customer-key", "s3: 32 bytes in base64", kSecret),
    row<&S::sse_customer_key_path>("sse-customer-key-path", "s3: a file with that"),
    row<&S::sse_kms_key_id>("sse-kms-key-id", "s3: key of the KMS that encrypts new objects"),

    row<&S::host>("host", "sftp: HOST or HOST:PORT; nats without url: the same, or several (127.0.0.1)"),
    row<&S::user>("user", "sftp: who logs in"),
    row<&S::password>("password", "sftp, nats", kSecret),
    row<&S::key_path>("key-path", "sftp: private key file; without it and a password the agent is asked"),
    row<&S::key_passphrase>("key-passphrase", "sftp: of an encrypted key file", kSecret),
    row<&S::host_key>("host-key",
                      "sftp: key of the server, as ssh-keyscan has it from the type on, or SHA256:HASH (known_hosts)"),
    row<&S::known_hosts_path>("known-hosts-path", "sftp: file of known hosts (the user's and the system's)"),
    row<&S::accept_any_host_key>("accept-any-host-key", "sftp: true = whoever answers gets the data (false)"),
    row<&S::concurrent_writes>("concurrent-writes", "sftp: false = a block is sent when the last is answered (true)"),

    row<&S::jwt>("jwt", "nats: credentials, with seed", kSecret),
    row<&S::seed>("seed", "nats: private key of jwt or nkey", kSecret),
    row<&S::creds>("creds", "nats: credentials file"),
    row<&S::nkey>("nkey", "nats: public key, with seed"),
    row<&S::username>("username", "nats: with password"),
    row<&S::token>("token", "nats", kSecret),
    row<&S::tls>("tls", "nats: true = only over TLS (false)"),
    row<&S::root_cas>("root-cas", "nats: files of trusted certificates (the system's)"),
    row<&S::client_cert>("client-cert", "nats: certificate file, with client-key"),
    row<&S::client_key>("client-key", "nats: file of its private key"),
    row<&S::timeout>("timeout", "nats: for connecting, and for a server that is silent (10s)"),
    row<&S::create_bucket>("create-bucket", "nats: true = make the bucket when it is missing (false)"),
    row<&S::max_reconnects>("max-reconnects",
                            "nats: attempts in a row to connect, then one a minute; -1 = without bound (-1)"),
    row<&S::reconnect_wait>("reconnect-wait", "nats: between two attempts to connect (2s)"),

    row<&S::credentials_path>("credentials-path",
                              "gs: key file of a service account or user (GOOGLE_APPLICATION_CREDENTIALS, gcloud's, "
                              "the machine's account)"),
    row<&S::anonymous>("anonymous", "gs: true = no credentials, for emulators (false)"),

    row<&S::webdav_url>("webdav-url", "webdav: http or https URL of a folder that is there"),
    row<&S::webdav_username>("webdav-username", "webdav: for basic or digest authentication"),
    row<&S::webdav_password>("webdav-password", "webdav", kSecret),

    row<&S::account_name>("account-name", "abs: the storage account; its container is the bucket"),
    row<&S::account_key>("account-key", "abs: else a SAS token, the environment and the machine's identity are asked",
                         kSecret),
    row<&S::sas_token>("sas-token", "abs", kSecret),
    row<&S::signature_version>("signature-version", "oss: v4 or v1 (v4)"),
    row<&S::connection_string>("connection-string", "abs: account, key or SAS token and endpoint in one", kSecret),
};

}  // namespace

Result<bool> read_store_key(const Spot& spot, std::string_view name, const Node& node, StoreSettings& out) {
  const auto* found =
      std::find_if(std::begin(kRows), std::end(kRows), [&](const auto& r) { return r.key.name == name; });
  if (found == std::end(kRows)) return false;
  if (auto read = found->key.read(spot, node, out); !read) return replica::pass(read);
  return true;
}

Result<void> read_store_parameter(const std::string& name, const std::string& value,
                                  std::span<const std::string_view> allowed, StoreSettings& out) {
  const auto refuse = [&](const std::string& why) {
    return replica::fail(replica::Errc::invalid_argument, why + " query parameter \"" + name + "\" in replica url");
  };
  if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) return refuse("unknown");
  Node node;
  node.kind = Node::Kind::scalar;
  node.text = value;
  auto read = read_store_key({.path = name}, name, node, out);
  return read ? Result<void>{} : refuse("invalid value of");
}

bool has_secrets(const StoreSettings& settings) {
  return std::any_of(std::begin(kRows), std::end(kRows),
                     [&](const StoreKey& one) { return one.secret && one.text(settings); });
}

std::vector<std::string_view> store_key_names() {
  std::vector<std::string_view> out;
  for (const StoreKey& one : kRows) out.push_back(one.key.name);
  return out;
}

void inherit(StoreSettings& own, const StoreSettings& defaults) {
  for (const StoreKey& one : kRows) one.inherit(own, defaults);
}

std::vector<StoreValue> open_values(const StoreSettings& settings) {
  std::vector<StoreValue> out;
  for (const StoreKey& one : kRows) {
    auto text = one.text(settings);
    if (text && !one.secret) out.push_back({.key = one.key.name, .text = std::move(*text), .quoted = one.is_text});
  }
  return out;
}

std::string describe_store() {
  std::vector<Key<StoreSettings>> keys;
  for (const StoreKey& one : kRows) keys.push_back(one.key);
  std::string out;
  describe<StoreSettings>(out, "\ndbs[].replica of other types than file, also at the top as defaults:", keys);
  return out;
}

}  // namespace config
