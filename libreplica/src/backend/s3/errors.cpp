#include "backend/s3/errors.hpp"

#include "backend/error_codes.hpp"

namespace replica::s3 {
namespace {

constexpr std::string_view kKeys = "check access-key-id and secret-access-key";
constexpr std::string_view kToken = "the session token is over; renew the credentials";
constexpr std::string_view kRegion = "check the region";
constexpr std::string_view kBucket = "create the bucket, or correct its name";

constexpr backend::Meaning kMeanings[] = {
    {"NoSuchKey", Errc::not_found},
    {"NoSuchBucket", Errc::invalid_argument, kBucket},
    {"InvalidBucketName", Errc::invalid_argument, kBucket},
    {"NoSuchUpload", Errc::unavailable},  // somebody has cleared it away; the whole can be sent again
    {"AccessDenied", Errc::permission_denied,
     "the credentials do not allow this; see docs/backends.md for what is needed"},
    {"InvalidAccessKeyId", Errc::permission_denied, kKeys},
    {"XAdminUserNotFound", Errc::permission_denied, kKeys},  // versitygw
    {"SignatureDoesNotMatch", Errc::permission_denied, kKeys},
    {"ExpiredToken", Errc::permission_denied, kToken},
    {"TokenRefreshRequired", Errc::permission_denied, kToken},
    {"InvalidToken", Errc::permission_denied, kToken},
    {"RequestTimeTooSkewed", Errc::permission_denied, "set the clock of this machine"},
    {"RequestExpired", Errc::permission_denied, "set the clock of this machine"},
    {"AuthorizationHeaderMalformed", Errc::permission_denied, kRegion},
    {"PermanentRedirect", Errc::invalid_argument, kRegion},
    {"IllegalLocationConstraintException", Errc::invalid_argument, kRegion},
    {"InvalidObjectState", Errc::invalid_argument, "the object is archived; bring it back first"},
    {"PreconditionFailed", Errc::precondition_failed},
    {"ConditionalRequestConflict", Errc::busy},
    {"OperationAborted", Errc::busy},
    {"SlowDown", Errc::busy},
    {"SlowDownWrite", Errc::busy},
    {"SlowDownRead", Errc::busy},
    {"ServiceUnavailable", Errc::busy},
    {"TooManyRequests", Errc::busy},
    {"RequestLimitExceeded", Errc::busy},
    {"ThrottlingException", Errc::busy},
    {"RequestTimeout", Errc::timed_out},
    {"IncompleteBody", Errc::unavailable},
    {"InternalError", Errc::unavailable},
    // The body was changed on its way.
    {"BadDigest", Errc::unavailable},
    {"XAmzContentSHA256Mismatch", Errc::unavailable},
    {"InvalidRange", Errc::out_of_range},
    {"NotImplemented", Errc::unsupported},
    {"QuotaExceeded", Errc::no_space},
    {"XMinioStorageFull", Errc::no_space},
};

}  // namespace

Error store_error(const http::Response& response, std::string_view what) {
  const ErrorAnswer answer = parse_error(response.body);
  Error error = backend::error_of_code(response, what, answer.code, answer.message, kMeanings,
                                       "is the endpoint that of an S3 store, and the region right?");
  if (const std::string region = region_in(response); !region.empty() && error.hint == kRegion)
    error.hint = "the bucket is in the region " + region;
  return error;
}

bool is_about_credentials(const http::Response& response) {
  if (response.status == 401 || response.status == 403) return true;
  const std::string code = parse_error(response.body).code;
  return code == "ExpiredToken" || code == "InvalidToken" || code == "TokenRefreshRequired";
}

std::string region_in(const http::Response& response) {
  if (const std::string_view region = response.header("x-amz-bucket-region"); !region.empty())
    return std::string(region);
  const ErrorAnswer answer = parse_error(response.body);
  return answer.region;
}

}  // namespace replica::s3
