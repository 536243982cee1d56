// One object's way to the server and back, many blocks under way at once.
#pragma once

#include "backend/sftp/folders.hpp"

namespace replica::backend::sftp {

struct Upload {
  Client& client;
  Folders& folders;
  std::string_view key;
  std::string path;        // of the object
  bool concurrent_writes;  // as configured
  Timestamp modified_at;   // kept to the second
  bool if_absent;
  const Call& call;

  Result<void> run(Source& body);

 private:
  Result<std::string> create(const std::string& folder, std::string& temp);
  Result<void> fill(const std::string& handle, Source& body);
  Result<void> finish(const std::string& handle, std::uint64_t size);
  Result<void> publish(const std::string& temp);
  Result<void> replace(const std::string& temp);
  Result<void> link(const std::string& temp);
  Error explain(Error error, const std::string& folder, std::uint64_t size);
  void discard(const std::string& temp);
};

// The bytes of the range; not_found also for what is no file.
Result<std::uint64_t> download(Client& client, std::string_view key, const std::string& path, ByteRange range,
                               Sink& out, const Call& call);

}  // namespace replica::backend::sftp
