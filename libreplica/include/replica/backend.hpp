// A plain object store. It knows keys and bytes; what they mean is replica.hpp's business.
//
// Promises every implementation keeps (conformance.hpp checks them):
//   key     parts joined by '/', at most 1024 bytes, a part 1 to 255; any bytes but control characters (below 0x20,
//           0x7f); no part is "." or ".."; the last does not end in ".tmp", which marks unfinished objects. Anything
//           else is invalid_argument before any effect. Whether "a" and "a/b" can both be objects is up to the store,
//           and so is whether it keeps a '\': one that does not says unsupported
//   put     all or nothing, durable on return, replaces atomically; a body that is not size() long is corrupt (trying
//           again would not help) and leaves nothing
//   get     exactly the range asked for; one that reaches beyond the end is out_of_range, an empty one at the end is
//           fine; missing not_found
//   list    ascending bytewise by key, each object once, flat; every object whose put returned before the call is
//           there; no temporary names; `prefix` is the beginning of a key and need not end at a '/'; the visitor may
//           use the backend
//   remove  idempotent: missing is success
//   all     a Call that is already over does nothing; no retries, no sleeping, no logging inside (decorators do that);
//           safe from any thread at once
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "replica/bytes.hpp"
#include "replica/clock.hpp"
#include "replica/requests.hpp"

namespace replica {

struct Capabilities {
  bool conditional_put = false;    // PutOptions::if_absent
  bool keeps_modified_at = false;  // list and stat return what put was given
  bool links_files = false;        // a put gives a local file a second name where it can: it costs no copy, no request
};

struct ObjectInfo {
  std::string key;
  std::uint64_t size = 0;
  Timestamp modified_at{};
};

struct PutOptions {
  std::optional<Timestamp> modified_at{};  // when the data was made; kept if the store can
  bool if_absent = false;  // precondition_failed when the key exists; unsupported without conditional_put
};

struct ByteRange {
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length{};  // none = to the end
};

class Backend {
 public:
  // false = stop listing, which is a success.
  using Visitor = std::function<bool(const ObjectInfo&)>;

  virtual ~Backend() = default;
  virtual std::string_view type() const noexcept = 0;  // "file", "s3"…
  virtual Capabilities capabilities() const noexcept = 0;
  // Where it is, as shown to users, without secrets; empty: it does not know.
  virtual std::string url() const { return {}; }
  // True: each request it sends is added to Call::requests where it is sent. False: a call is a request.
  virtual bool counts_requests() const noexcept { return false; }
  virtual Result<ObjectInfo> put(std::string_view key, Source& body, const PutOptions&, const Call&) = 0;
  // Returns the bytes written to `out`. After an error what `out` holds is void.
  virtual Result<std::uint64_t> get(std::string_view key, ByteRange, Sink& out, const Call&) = 0;
  virtual Result<ObjectInfo> stat(std::string_view key, const Call&) = 0;
  // Objects whose key starts with `prefix` and is greater than `after`.
  virtual Result<void> list(std::string_view prefix, std::string_view after, const Visitor&, const Call&) = 0;
  virtual Result<void> remove(std::string_view key, const Call&) = 0;
  // Removes the folder of that name (no trailing '/') and those below it as far as they are empty, where the store has
  // such things. Nobody may put below it at the same time.
  virtual Result<void> remove_folders(std::string_view /*name*/, const Call&) { return {}; }
  // Nothing is going to be asked of it for a while: what can be made again may be given up until then.
  virtual void rest() noexcept {}
};

// `invalid_argument` unless `key` follows the grammar above.
Result<void> check_key(std::string_view key);
// The same for the beginning of a key, as list takes it; empty is everything.
Result<void> check_prefix(std::string_view prefix);

// In memory; the model the others are compared with.
std::unique_ptr<Backend> make_memory_backend();

// Folders that are there for certain, also after a power failure: what one backend has found out those that come after
// it need not. Safe from any thread.
class SettledFolders;
std::shared_ptr<SettledFolders> make_settled_folders();

struct FileBackendOptions {
  std::string root;  // directory; made on the first put
  // A file (the database) whose mode and owner new files get; folders get those of its directory. Else 0600 and 0755.
  std::string permissions_like{};
  std::shared_ptr<SettledFolders> settled{};  // nullptr: its own
};
// Objects are files below `root`, see docs/backends.md. put: temp name, mtime, fsync, rename, fsync directory; or a
// hard link to a finished LTX file of the engine.
std::unique_ptr<Backend> make_file_backend(FileBackendOptions options);

struct RetryOptions {
  int attempts = 5;
  std::chrono::milliseconds first_pause{250}, longest_pause{10'000};
  std::chrono::seconds longest_asked_pause{60};  // a store that asks for a longer one (Retry-After) gets this
  // Waits that long, or until the Call is stopped. Empty = really wait; tests note the pause and return.
  std::function<void(std::chrono::milliseconds, const Call&)> wait{};
};
// Tries again on busy, unavailable, timed_out and io, with pauses that double, each cut short at random by up to a
// half, so that many clients do not come back together; never shorter than a store asked for. A pause that would
// outlast the Call's deadline is not begun: the last error is returned. Before a new attempt the source is rewound, the
// sink reset, and a listing goes on after the last key it gave. An if_absent put that finds the key taken after a
// failure of its own compares: the same bytes are taken for its own.
std::unique_ptr<Backend> make_retrying_backend(std::shared_ptr<Backend> inner, RetryOptions options = {});

// Adds what is asked of `inner` to `counter`. Below the decorator that retries, so that each attempt counts.
std::unique_ptr<Backend> make_counted_backend(std::shared_ptr<Backend> inner, std::shared_ptr<RequestCounter> counter);

// For tests: asked before every call, from any thread; a returned error fails it. The key of a listing is its prefix.
// `after` = let the call happen, then report failure even though it worked.
struct Fault {
  Error error;
  bool after = false;
};
using FaultPlan = std::function<std::optional<Fault>(std::string_view operation, std::string_view key)>;
std::unique_ptr<Backend> make_faulty_backend(std::shared_ptr<Backend> inner, FaultPlan plan);

}  // namespace replica
