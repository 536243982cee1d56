#include "backend/s3/service.hpp"

namespace replica::s3 {

std::optional<RequestClass> class_of(const Operation& operation) {
  if (operation.method == "GET" && operation.key.empty()) return RequestClass::list;
  if (operation.method == "DELETE" && !operation.query.empty()) return RequestClass::other;  // the end of an upload
  return std::nullopt;
}

}  // namespace replica::s3
