// Google Cloud Storage, by its JSON API. What is particular about it: docs/backends.md.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "replica/backend.hpp"

namespace replica {

struct GcsOptions {
  std::string bucket;
  std::string prefix{};    // in front of every key, as it is; not part of the keys that callers see
  std::string endpoint{};  // "https://host[:port]"; empty = STORAGE_EMULATOR_HOST (then anonymous), else Google
  // Key file of a service account, or of a user (gcloud auth application-default login). Empty:
  // GOOGLE_APPLICATION_CREDENTIALS, the file of gcloud, the metadata of the machine, in this order.
  std::string credentials_path{};
  bool anonymous = false;  // no credentials at all, for emulators and public buckets
  // Larger bodies are resumable uploads in pieces of that size, one of which is held in memory. Rounded down to a
  // multiple of 256 KiB.
  std::uint64_t part_size = std::uint64_t{8} << 20U;
  bool skip_verify = false;  // takes any server certificate
  std::string ca_bundle{};   // empty: AWS_CA_BUNDLE and others, else the system's

  std::chrono::milliseconds connect_timeout{10'000}, progress_timeout{30'000};
  std::function<std::optional<std::string>(std::string_view)> environment{};  // empty = the process's
  const Clock* clock = nullptr;                                               // nullptr = the system's
};

// Objects are put with their time as metadata litestream-timestamp, which stat and list return.
std::unique_ptr<Backend> make_gcs_backend(const GcsOptions& options);

}  // namespace replica
