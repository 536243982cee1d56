#include "bench/system_error.hpp"

#include <cerrno>
#include <system_error>

namespace litestreamctl::bench {

using replica::Errc;

replica::Failure fail_errno(int number, const std::string& what, const std::string& path) {
  const Errc code = number == ENOSPC || number == EDQUOT                     ? Errc::no_space
                    : number == EACCES || number == EPERM || number == EROFS ? Errc::permission_denied
                    : number == ENOENT || number == ENOTDIR                  ? Errc::not_found
                                                                             : Errc::io;
  const std::string hint = code == Errc::no_space            ? "make room, or use a smaller -size or another -dir"
                           : code == Errc::permission_denied ? "name a directory that can be written to with -dir"
                                                             : "";
  return replica::fail(code, what + " " + path + ": " + std::generic_category().message(number), hint);
}

}  // namespace litestreamctl::bench
