// Files and directories: the only code that makes these system calls. Errors carry the path and errno's text;
// ENOSPC and EDQUOT are no_space, EACCES/EPERM/EROFS permission_denied, ENOENT and ENOTDIR not_found. Interrupted calls
// are tried again, short writes continued, and no descriptor is inherited by a child process.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "io/gate.hpp"
#include "replica/bytes.hpp"

namespace replica::io {

struct FileInfo {
  std::uint64_t device = 0, inode = 0, size = 0;
  Timestamp modified_at{};
  Timestamp changed_at{};  // set by the kernel with every change, never by us
  mode_t mode = 0;         // permission bits only
  uid_t uid = 0;
  gid_t gid = 0;
  bool is_directory = false;
  bool is_regular = false;
};

// Owns a descriptor. Movable; closed by the destructor. One thread at a time, but read_at is safe from many.
class File {
 public:
  enum class Mode { read, create_new, create_or_truncate, read_write };  // read_write creates when missing
  static Result<File> open(const std::string& path, Mode mode, Gate* gate = nullptr, mode_t permissions = 0644);

  File() noexcept = default;
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();

  explicit operator bool() const noexcept { return fd_ >= 0; }
  int descriptor() const noexcept { return fd_; }
  const std::string& path() const noexcept { return path_; }

  Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) const;   // short only at the end of file
  Result<void> read_exactly_at(std::uint64_t offset, MutableBytes out) const;  // corrupt when short
  Result<void> write_at(std::uint64_t offset, Bytes data);
  Result<void> append(Bytes data);  // at a position of our own, which starts at 0
  // As append, of what the other has at `offset`: the kernel copies, where it can without moving a byte. How much was
  // copied; 0 at the end of the other, and where these two file systems cannot.
  Result<std::uint64_t> append_from(const File& other, std::uint64_t offset, std::uint64_t at_most);
  // Gives this very file a second name. False where that cannot be: the name is taken or its directory missing, another
  // file system or one without links, a file that has lost its last name.
  Result<bool> link_to(const std::string& path) const;
  Result<void> truncate(std::uint64_t size);
  // Has the system begin to write what was appended since the last call, so that sync() has less to wait for. Advice:
  // where it is not taken nothing is lost.
  void begin_write_back() noexcept;
  Result<void> sync();  // fsync; after a failure what was written since the last success must be written again
  Result<FileInfo> info() const;
  Result<void> set_modified_at(Timestamp time);
  Result<void> own_like(const FileInfo& model);  // mode, and owner when we may; a refused chown is not an error
  Result<bool> try_lock_exclusive();             // flock; false = somebody else holds it
  void close() noexcept;

 private:
  int fd_ = -1;
  std::uint64_t position_ = 0, written_back_ = 0;  // of append()
  std::string path_;
  Gate* gate_ = nullptr;
};

// Sequential reading of a file, from the beginning up to the size it had when opened. Owns the file.
class FileSource final : public Source {
 public:
  // What may be done with the file in the place of a copy. Nobody writes to it any more, and
  //   linked: it is durable and stays as it is, with a second name;
  //   given:  its maker has no more use for it, so that its mode, owner and time may change too.
  enum class May { be_copied, be_linked, be_given };
  static Result<FileSource> open(const std::string& path, Gate* gate = nullptr, May may = May::be_copied);
  Result<std::size_t> read(MutableBytes out) override;
  std::uint64_t size() const override { return size_; }
  Result<void> rewind() override;
  Result<std::uint64_t> copy_to(File& out, std::uint64_t at_most);  // File::append_from, in the place of read
  // Makes the file itself appear as `path`, durable but for the directory, with mode and owner of `like` and that time.
  // False: copy it, nothing was done. See File::link_to.
  Result<bool> appear_as(const std::string& path, const FileInfo* like, Timestamp modified_at);

 private:
  FileSource(File file, std::uint64_t size, May may) : file_(std::move(file)), size_(size), may_(may) {}
  Result<bool> make_like(const FileInfo& info, const FileInfo* like, Timestamp modified_at);
  File file_;
  std::uint64_t size_ = 0, offset_ = 0;
  May may_ = May::be_copied;
};

// A file that appears under its name complete and durable, or not at all: "<path>.tmp", then on commit() fsync, rename,
// fsync of the directory. Without commit() the temp file is removed. Writes are buffered (256 KiB). A temp file that a
// crash left behind is replaced, so a path has one writer
// at a time unless each gives a temp_path of its own.
class AtomicFile final : public Writer {
 public:
  struct Options {
    const FileInfo* like = nullptr;  // mode and owner; else `permissions`, less the umask
    mode_t permissions = 0644;
    std::string temp_path{};  // in the same directory; must not exist. Empty = temp_name(path)
  };
  static Result<AtomicFile> create(const std::string& path, Gate* gate = nullptr, const FileInfo* like = nullptr);
  static Result<AtomicFile> create(const std::string& path, Gate* gate, const Options& options);
  AtomicFile(AtomicFile&&) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile() override;

  Result<void> write(Bytes data) override;
  Result<std::uint64_t> write_from(FileSource& source, std::uint64_t at_most);  // FileSource::copy_to
  // After a failure the name shows what it showed before, except when only the last step (fsync of the directory)
  // failed: then it may show the new file.
  enum class Name { durable, unsynced };  // unsynced: the directory is synced later, by whoever relies on the name then
  Result<void> commit(std::optional<Timestamp> modified_at = {}, Name name = Name::durable);
  // The same, durable, but `already_exists` when the name is taken; decided by the file system in one step.
  Result<void> commit_new(std::optional<Timestamp> modified_at = {});

 private:
  AtomicFile() = default;
  Result<void> flush();
  Result<void> append(Bytes data);
  Result<void> finish(std::optional<Timestamp> modified_at);
  Result<void> appear(bool replace);
  File file_;
  std::string path_, temp_path_;  // temp_path_ is empty once nothing is to be removed
  Gate* gate_ = nullptr;
  std::vector<std::byte> buffer_;
  std::uint64_t unsynced_ = 0;  // bytes since the system was told to write
  bool failed_ = false;
};

std::string temp_name(const std::string& path);                  // path + ".tmp"
std::string parent_of(const std::string& path);                  // "." when there is none
Result<std::uint64_t> free_space(const std::string& directory);  // bytes that we may still use on its file system
long process_id() noexcept;
Result<FileInfo> stat_path(const std::string& path);
// Makes missing parents too; those made get mode and owner of `like` (a directory) when given, and their parents
// synced. True: `path` was made now.
Result<bool> make_directories(const std::string& path, Gate* gate = nullptr, const FileInfo* like = nullptr);
// One, in a parent that is there, which is not synced. True: it was made now.
Result<bool> make_directory(const std::string& path, Gate* gate = nullptr, const FileInfo* like = nullptr);
// A file system that cannot sync directories is not an error.
Result<void> sync_directory(const std::string& path, Gate* gate = nullptr);
Result<void> rename_file(const std::string& from, const std::string& to, Gate* gate = nullptr);
Result<void> rename_new(const std::string& from, const std::string& to, Gate* gate = nullptr);  // or already_exists
Result<void> remove_file(const std::string& path, Gate* gate = nullptr);                        // missing is success
// Names, sorted bytewise; missing is empty.
Result<std::vector<std::string>> list_directory(const std::string& path, Gate* gate = nullptr);

Error errno_error(int code, std::string_view what, std::string_view path);

}  // namespace replica::io
