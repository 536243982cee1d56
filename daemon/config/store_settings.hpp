// What a replica's store needs to be told beside its place: one flat set of keys for all types, which may also stand at
// the top of the file as defaults. A key without a value is an empty string or nullopt.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/duration.hpp"

namespace config {

struct Size {
  std::uint64_t bytes = 0;
  friend bool operator==(const Size&, const Size&) = default;
};

struct StoreSettings {
  std::string bucket, region, endpoint;
  std::string access_key_id, secret_access_key;
  std::string storage_class;
  std::string sse_customer_algorithm, sse_customer_key, sse_customer_key_path, sse_kms_key_id;
  std::optional<bool> force_path_style, sign_payload, require_content_md5, sign_accept_encoding, skip_verify;
  std::optional<Size> part_size;
  std::optional<int> concurrency;
  std::string account_name, account_key, sas_token, connection_string;
  std::string signature_version;

  // sftp; the password is also that of nats
  std::string host, user, password, key_path, key_passphrase, host_key, known_hosts_path;
  std::optional<bool> concurrent_writes, accept_any_host_key;

  // nats
  std::string jwt, seed, creds, nkey, username, token, client_cert, client_key;
  std::vector<std::string> root_cas;
  std::optional<bool> tls, create_bucket;
  std::optional<int> max_reconnects;
  std::optional<Duration> reconnect_wait, timeout;

  // gs
  std::string credentials_path;
  std::optional<bool> anonymous;

  // webdav
  std::string webdav_url, webdav_username, webdav_password;

  friend bool operator==(const StoreSettings&, const StoreSettings&) = default;
};

// The settings of one replica's store. They take a kilobyte: nothing is kept where none is given, and copies are one
// until they are changed.
class SharedStore {
 public:
  const StoreSettings& get() const noexcept;
  operator const StoreSettings&() const noexcept { return get(); }
  const StoreSettings* operator->() const noexcept { return &get(); }
  StoreSettings& edit();  // valid until this is copied
  // Keeps what `other` has, if that is equal.
  void share(const SharedStore& other);

  friend bool operator==(const SharedStore& a, const SharedStore& b) {
    return a.said_ == b.said_ || a.get() == b.get();
  }

 private:
  std::shared_ptr<StoreSettings> said_;
};

}  // namespace config
