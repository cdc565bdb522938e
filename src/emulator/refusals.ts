/**
 * Entra's refusals. The codes, and the `error` value where one is documented, are those of
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes; texts are those of recorded bodies, cited at
 * each. What no document and no record shows is listed in EntraEmulator.ts.
 */
import { Refusal } from "./answers.js"

/** What a client sent may stand in a text, but not its control characters, and not without end. */
const quoted = (value: string) => value.replace(/[^\x20-\x7e]/g, "").slice(0, 200)

const badRequest = (error: string, code: number, text: string) => new Refusal({ status: 400, error, code, text })

const invalidRequest = (code: number, text: string) => badRequest("invalid_request", code, text)

/** 401, as RFC 6749 5.2 has it; the challenge is for who used the Authorization header. */
const invalidClient = (code: number, text: string) =>
  new Refusal({ status: 401, error: "invalid_client", code, text, headers: { "www-authenticate": "Basic" } })

/** https://github.com/OfficeDev/microsoft-365-agents-toolkit/issues/8621 */
export const wrongSecret = (clientId: string) =>
  invalidClient(
    7000215,
    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the " +
      `client secret ID, for a secret added to app '${clientId}'.`
  )

export const expiredSecret = (clientId: string) =>
  invalidClient(
    7000222,
    `The provided client secret keys for app '${clientId}' are expired. Visit the Azure portal to create new keys for ` +
      "your app, or consider using certificate credentials for added security."
  )

/** https://github.com/Azure/azure-sdk-for-go/issues/22386 */
export const noCredential = invalidClient(
  7000218,
  "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
)

/**
 * Also when the header names no thumbprint (https://github.com/keycloak/keycloak/issues/19425); the thumbprint and links
 * that follow the reason are left out (https://github.com/AzureAD/microsoft-authentication-library-for-js/issues/8339).
 */
export const unknownCertificate = invalidClient(
  700027,
  "The certificate with identifier used to sign the client assertion is not registered on application. " +
    "[Reason - The key was not found.]"
)

/**
 * The first sentence: https://github.com/Azure/azure-sdk-for-net/issues/29007, the reason:
 * https://github.com/microsoftgraph/msgraph-sdk-php/issues/1585
 */
export const wrongSignature = invalidClient(
  700027,
  "Client assertion contains an invalid signature. [Reason - Key was found, but use of the key to verify the signature " +
    "failed.]"
)

const certificateCredentials = "https://learn.microsoft.com/entra/identity-platform/certificate-credentials"

/** Seven decimals, as .NET writes them. */
const instant = (millis: number) => new Date(millis).toISOString().replace("Z", "0000Z")

/** https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/issues/4951 */
export const notInTime = (now: number, notBefore: number, expires: number) =>
  invalidClient(
    700024,
    `Client assertion is not within its valid time range. Current time: ${instant(now)}, assertion valid from ` +
      `${instant(notBefore)}, expiry time of assertion ${instant(expires)}. Review the documentation at ` +
      `${certificateCredentials} .`
  )

/** https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/issues/2746 */
export const wrongAudience = invalidClient(
  700023,
  `Client assertion audience claim does not match Realm issuer. Review the documentation at ${certificateCredentials} .`
)

/** https://github.com/AzureAD/microsoft-authentication-library-for-java/issues/430 */
export const subjectIsNotIssuer = invalidClient(50048, "Subject must match the issuer claim in the client assertion.")

/** https://learn.microsoft.com/azure/developer/java/sdk/troubleshooting-authentication-service-principal */
export const wrongApplication = invalidClient(
  700021,
  "Client assertion application identifier doesn't match 'client_id' parameter. Review the documentation at " +
    `${certificateCredentials} .`
)

/** https://github.com/panva/openid-client/issues/348 */
export const malformedToken = invalidRequest(50027, "JWT token is invalid or malformed.")

/** https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/issues/4712 */
export const unsupportedAlgorithm = invalidRequest(
  5002730,
  "Invalid JWT token. Unsupported key for the signing algorithm."
)

/** https://github.com/AzureAD/azure-activedirectory-library-for-ruby/pull/53 */
export const unexpectedAssertionType = invalidRequest(90011, "Unexpected client assertion type.")

const noRecord = (code: number, what: string, detail: string) =>
  invalidClient(
    code,
    `No matching federated identity record found for presented assertion ${what}.${detail} Check your federated ` +
      "identity credential Subject, Audience and Issuer against the presented assertion. " +
      "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
  )

/** https://github.com/Azure/azure-workload-identity/issues/1200 */
export const unknownIssuer = (issuer: string) => noRecord(700211, `issuer '${quoted(issuer)}'`, "")

/** https://docs.gitlab.com/ci/cloud_services/azure/ */
export const unknownAudience = (audience: string) => noRecord(700212, `audience '${quoted(audience)}'`, "")

/** https://github.com/dotnet/maui/pull/31978 */
export const unknownSubject = (subject: string) => noRecord(700213, `subject '${quoted(subject)}'`, "")

/** https://github.com/Azure/login/issues/517 */
export const subjectInOtherCase = (subject: string) =>
  noRecord(
    7002138,
    `subject '${quoted(subject)}'`,
    " The subject matches with case-insensitive comparison, but not with case-sensitive comparison."
  )

/** The text is widely quoted, its `error` is not. */
export const noFederatedCredential = (clientId: string, displayName: string) =>
  invalidClient(70025, `The client '${clientId}'(${displayName}) has no configured federated identity credentials.`)

/** https://github.com/Azure/azure-workload-identity/issues/1232 */
export const unknownIssuerKey = (issuer: string) =>
  invalidClient(
    7000272,
    "The certificate with identifier used to sign the federated credential could not be found in the metadata of " +
      `identity provider ${quoted(issuer)}. Please validate that your Identity Provider's metadata exposes the key used ` +
      "to sign the incoming token."
  )

export const unknownApp = (clientId: string, tenant: string) =>
  badRequest(
    "unauthorized_client",
    700016,
    `Application with identifier '${quoted(clientId)}' was not found in the directory '${tenant}'. This can happen if ` +
      "the application has not been installed by the administrator of the tenant or consented to by any user in the " +
      "tenant. You may have sent your authentication request to the wrong tenant."
  )

/**
 * `invalid_request` from the token endpoint, `invalid_tenant` from the metadata
 * (https://github.com/Azure/azure-cli/issues/22145).
 */
export const unknownTenant = (tenant: string, error: "invalid_request" | "invalid_tenant") =>
  badRequest(
    error,
    90002,
    `Tenant '${quoted(tenant)}' not found. Check to make sure you have the correct tenant ID and are signing into the ` +
      "correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions " +
      "for the tenant."
  )

/** https://github.com/Microsoft365DSC/MSCloudLoginAssistant/issues/100 */
export const tenantNeeded = invalidRequest(
  9001023,
  "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or " +
    "tenant-specific endpoint."
)

/** https://github.com/MicrosoftDocs/azure-docs/issues/24064 */
export const noTenantInformation = invalidRequest(
  50059,
  "No tenant-identifying information found in either the request or implied by any provided credentials."
)

/** https://github.com/MicrosoftDocs/azure-docs/issues/43780 */
export const missingParameter = (name: string) =>
  invalidRequest(900144, `The request body must contain the following parameter: '${name}'.`)

/** https://github.com/Azure/azure-sdk-for-java/issues/31733 */
export const repeatedParameter = (name: string) =>
  invalidRequest(9000411, `The request is not properly formatted. The parameter '${quoted(name)}' is duplicated.`)

/** The text is widely quoted, its status is not. */
export const wrongMethod = (method: string) =>
  invalidRequest(900561, `The endpoint only accepts POST requests. Received a ${quoted(method)} request.`)

export const malformed = invalidRequest(9002313, "Invalid request. Request is malformed or invalid.")

/** Two ways to prove one client, which RFC 6749 2.3 forbids. */
export const twoCredentials = malformed

export const tooLarge = new Refusal({
  status: 413,
  error: "invalid_request",
  code: 9002313,
  text: "Invalid request. Request is malformed or invalid."
})

export const unsupportedGrant = (grant: string) =>
  badRequest("unsupported_grant_type", 70003, `The app requested an unsupported grant type '${quoted(grant)}'.`)

/** The sample of the reference page. */
export const badScope = (scope: string) =>
  badRequest(
    "invalid_scope",
    70011,
    `The provided value for the input parameter 'scope' is not valid. The scope ${quoted(scope)} is not valid.`
  )

/** https://github.com/databricks/databricks-sql-nodejs/issues/226 */
export const notDefaultScope = (scope: string) =>
  badRequest(
    "invalid_scope",
    1002012,
    `The provided value for scope ${quoted(scope)} is not valid. Client credential flows must have a scope value with ` +
      "/.default suffixed to the resource identifier (application ID URI)."
  )

export const twoResources = (scope: string) =>
  badRequest(
    "invalid_scope",
    700022,
    `The provided value for the input parameter 'scope' is not valid because it contains more than one resource. ` +
      `Scope ${quoted(scope)} is not valid.`
  )

export const unknownResource = (resource: string, tenant: string) =>
  badRequest(
    "invalid_resource",
    500011,
    `The resource principal named ${quoted(resource)} was not found in the tenant named ${tenant}. This can happen if ` +
      "the application has not been installed by the administrator of the tenant or consented to by any user in the " +
      "tenant. You might have sent your authentication request to the wrong tenant."
  )

export const unknownInstance = badRequest("invalid_instance", 50049, "Unknown or invalid instance.")

export const busy = (retryAfter: string | undefined) =>
  new Refusal({
    status: 503,
    error: "temporarily_unavailable",
    code: 90033,
    text: "A transient error has occurred. Please try again.",
    headers: retryAfter === undefined ? {} : { "retry-after": retryAfter }
  })
