#include "backend/azure/errors.hpp"

#include "backend/azure/xml.hpp"
#include "backend/error_codes.hpp"

namespace replica::azure {
namespace {

constexpr std::string_view kKeys = "check account-name and account-key or sas-token, and the clock of this machine";
constexpr std::string_view kRole =
    "give the identity the role Storage Blob Data Contributor, or the SAS the permissions racwdl";
constexpr std::string_view kContainer = "create the container, or correct its name";
constexpr std::string_view kAccount = "check account-name and endpoint";
constexpr std::string_view kPolicy = "a policy of the container or a lease keeps the blob as it is";

// learn.microsoft.com/rest/api/storageservices/blob-service-error-codes, common-rest-api-error-codes
constexpr backend::Meaning kMeanings[] = {
    {"BlobNotFound", Errc::not_found},
    {"ContainerNotFound", Errc::invalid_argument, kContainer},
    {"ContainerDisabled", Errc::permission_denied, kContainer},
    {"ContainerBeingDeleted", Errc::busy, "the container is being deleted"},
    {"ResourceNotFound", Errc::invalid_argument, kAccount},
    {"InvalidUri", Errc::invalid_argument, kAccount},
    {"InvalidResourceName", Errc::invalid_argument, kContainer},
    {"AccountIsDisabled", Errc::permission_denied, "the storage account is disabled"},
    {"AuthenticationFailed", Errc::permission_denied, kKeys},
    {"InvalidAuthenticationInfo", Errc::permission_denied, kKeys},
    {"NoAuthenticationInformation", Errc::permission_denied, kKeys},
    {"AuthorizationFailure", Errc::permission_denied,
     "check account-key or sas-token, and the firewall of the storage account"},
    {"AuthorizationPermissionMismatch", Errc::permission_denied, kRole},
    {"AuthorizationProtocolMismatch", Errc::permission_denied, "the SAS token is for https only"},
    {"AuthorizationSourceIPMismatch", Errc::permission_denied, "the SAS token is not for the address of this machine"},
    {"AuthorizationResourceTypeMismatch", Errc::permission_denied, kRole},
    {"AuthorizationServiceMismatch", Errc::permission_denied, "the SAS token is not for blobs"},
    {"InsufficientAccountPermissions", Errc::permission_denied, kRole},
    {"KeyBasedAuthenticationNotPermitted", Errc::permission_denied,
     "the account takes no account keys: use a managed identity or a client secret"},
    {"AccountRequiresHttps", Errc::invalid_argument, "the account takes https only"},
    {"BlobAlreadyExists", Errc::precondition_failed},
    {"ConditionNotMet", Errc::precondition_failed},
    {"TargetConditionNotMet", Errc::precondition_failed},
    {"LeaseIdMissing", Errc::permission_denied, kPolicy},
    {"BlobImmutableDueToPolicy", Errc::permission_denied, kPolicy},
    {"SnapshotsPresent", Errc::permission_denied, "the blob has snapshots; delete them first"},
    {"BlobArchived", Errc::invalid_argument, "the blob is archived; bring it back first"},
    {"BlobBeingRehydrated", Errc::invalid_argument, "the blob is archived and on its way back"},
    {"InvalidBlobType", Errc::invalid_argument, "there is a blob of another type under that name"},
    {"InvalidRange", Errc::out_of_range},
    {"ServerBusy", Errc::busy},
    {"OperationTimedOut", Errc::timed_out},
    {"InternalError", Errc::unavailable},
    // The body was changed on its way.
    {"Md5Mismatch", Errc::unavailable},
    // Blocks that somebody has cleared away, or that are of another upload: the whole can be sent again.
    {"InvalidBlockList", Errc::unavailable},
    {"InvalidBlobOrBlock", Errc::unavailable},
};

// The first line: what follows are ids of the request, and the string that was signed.
std::string first_line(std::string_view text) { return std::string(text.substr(0, text.find_first_of("\r\n"))); }

}  // namespace

std::string error_code_of(const http::Response& response) {
  if (const auto code = response.header("x-ms-error-code"); !code.empty()) return std::string(code);
  return parse_error(response.body).code;
}

Error store_error(const http::Response& response, std::string_view what) {
  const std::string code = error_code_of(response);
  // What this one says holds the string that was signed.
  const bool shown = code != "AuthenticationFailed";
  const std::string message = shown ? first_line(parse_error(response.body).message) : std::string();
  Error error = backend::error_of_code(response, what, code, message, kMeanings, kAccount);
  if (error.code == Errc::permission_denied && error.hint.empty()) error.hint = kRole;
  return error;
}

}  // namespace replica::azure
