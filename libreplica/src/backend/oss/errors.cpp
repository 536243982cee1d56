#include "backend/oss/errors.hpp"

#include "backend/error_codes.hpp"
#include "backend/s3/xml.hpp"

namespace replica::oss {
namespace {

constexpr std::string_view kKeys = "check access-key-id and secret-access-key";
constexpr std::string_view kToken = "the security token is over; renew the credentials";
constexpr std::string_view kRegion = "check region and endpoint";
constexpr std::string_view kBucket = "create the bucket, or correct its name";
constexpr std::string_view kClock = "set the clock of this machine";
constexpr std::string_view kArchived = "the object is archived; bring it back first";

// help.aliyun.com/zh/oss/developer-reference/error-codes
constexpr backend::Meaning kMeanings[] = {
    {"NoSuchKey", Errc::not_found},
    {"NoSuchBucket", Errc::invalid_argument, kBucket},
    {"InvalidBucketName", Errc::invalid_argument, kBucket},
    {"NoSuchUpload", Errc::unavailable},  // somebody has cleared it away; the whole can be sent again
    {"AccessDenied", Errc::permission_denied,
     "the credentials do not allow this, or the bucket is in another region; see docs/backends.md"},
    {"InvalidAccessKeyId", Errc::permission_denied, kKeys},
    {"SignatureDoesNotMatch", Errc::permission_denied, kKeys},
    {"InvalidSecurityToken", Errc::permission_denied, kToken},
    {"SecurityTokenExpired", Errc::permission_denied, kToken},
    {"SecurityTokenNotSupported", Errc::permission_denied, kToken},
    {"RequestTimeTooSkewed", Errc::permission_denied, kClock},
    {"InvalidArgument", Errc::invalid_argument},
    {"UserDisable", Errc::permission_denied, "the account is disabled, or its bills are not paid"},
    {"KmsServiceNotEnabled", Errc::permission_denied, "the bucket wants encryption by KMS, which is not enabled"},
    {"FileImmutable", Errc::permission_denied, "a retention policy of the bucket keeps the object as it is"},
    {"InvalidObjectState", Errc::invalid_argument, kArchived},
    {"SecondLevelDomainForbidden", Errc::invalid_argument, kRegion},
    {"FileAlreadyExists", Errc::precondition_failed},
    {"PreconditionFailed", Errc::precondition_failed},
    {"QpsLimitExceeded", Errc::busy},
    {"TrafficRateLimitExceeded", Errc::busy},
    {"UploadTrafficRateLimitExceeded", Errc::busy},
    {"DownloadTrafficRateLimitExceeded", Errc::busy},
    {"TooManyRequests", Errc::busy},
    {"ServiceUnavailable", Errc::busy},
    {"RequestTimeout", Errc::timed_out},
    {"InternalError", Errc::unavailable},
    // The body was changed on its way.
    {"InvalidDigest", Errc::unavailable},
    {"IncompleteBody", Errc::unavailable},
    {"InvalidRange", Errc::out_of_range},
    {"NotImplemented", Errc::unsupported},
};

}  // namespace

Error store_error(const http::Response& response, std::string_view what) {
  const s3::ErrorAnswer answer = s3::parse_error(response.body);
  return backend::error_of_code(response, what, answer.code, answer.message, kMeanings,
                                "is the endpoint that of an OSS store, and the region right?");
}

}  // namespace replica::oss
