/**
 * Entra's refusals. The codes, and the `error` value where one is documented, are those of
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes; texts are those of recorded bodies, cited at
 * each. What no document and no record shows is listed in EntraEmulator.ts.
 */
import { Refusal } from "./answers.js"
import { essential, newerThan } from "./demandedClaims.js"

/** What a client sent may stand in a text, but not its control characters, and not without end. */
const quoted = (value: string) => value.replace(/[^\x20-\x7e]/g, "").slice(0, 200)

const badRequest = (error: string, code: number, text: string, about: ReadonlyArray<string> = []) =>
  new Refusal({ status: 400, error, code, text, about: about.map(quoted) })

const invalidRequest = (code: number, text: string, about?: ReadonlyArray<string>) =>
  badRequest("invalid_request", code, text, about)

const invalidGrant = (code: number, text: string) => badRequest("invalid_grant", code, text)

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
      "tenant. You may have sent your authentication request to the wrong tenant.",
    [clientId, tenant]
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
  invalidRequest(900144, `The request body must contain the following parameter: '${name}'.`, [name])

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
  badRequest("unsupported_grant_type", 70003, `The app requested an unsupported grant type '${quoted(grant)}'.`, [
    grant
  ])

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
      "tenant. You might have sent your authentication request to the wrong tenant.",
    [resource]
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

/** https://github.com/Azure-Samples/ms-identity-python-webapp/issues/113 */
export const publicWithCredential = invalidClient(
  700025,
  "Client is public so neither 'client_assertion' nor 'client_secret' should be presented."
)

/** https://learn.microsoft.com/entra/identity-platform/reply-url */
export const unknownRedirectUri = (redirectUri: string, clientId: string) =>
  invalidRequest(
    50011,
    `The redirect URI '${quoted(redirectUri)}' specified in the request does not match the redirect URIs configured for ` +
      `the application '${clientId}'. Make sure the redirect URI sent in the request matches one added to your ` +
      "application in the Azure portal.",
    [redirectUri, clientId]
  )

/** https://github.com/OneDrive/onedrive-sample-apibrowser-dotnet/issues/27 */
export const noRedirectUri = invalidRequest(500113, "No reply address is registered for the application.")

export const unsupportedResponseType = (type: string) =>
  badRequest(
    "unsupported_response_type",
    700051,
    `response_type '${quoted(type)}' is not enabled for the application.`,
    [type]
  )

export const unsupportedResponseMode = (mode: string) =>
  invalidRequest(70007, `'${quoted(mode)}' is not a supported value of 'response_mode'.`, [mode])

export const unsupportedPrompt = (prompt: string) =>
  invalidRequest(90023, `Unsupported 'prompt' value '${quoted(prompt)}'.`, [prompt])

/** https://github.com/MicrosoftDocs/entra-docs/pull/1538 */
export const unknownChallengeMethod = invalidRequest(50149, "Invalid Code_Challenge_method parameter.")

/** https://github.com/MicrosoftDocs/entra-docs/pull/1538 */
export const challengeSize = invalidRequest(501491, "Invalid size of Code_Challenge parameter.")

/** Recorded in a redirect; the address is gone, its text is in the docs of several tools. */
export const unknownScope = (app: string, scope: string, appId: string) =>
  badRequest(
    "invalid_client",
    650053,
    `The application '${quoted(app)}' asked for scope '${quoted(scope)}' that doesn't exist on the resource '${appId}'. ` +
      "Contact the app vendor.",
    [scope]
  )

export const severalResources = (scope: string) =>
  badRequest(
    "invalid_scope",
    28000,
    `Provided value for the input parameter scope is not valid because it contains more than one resource. Scope ` +
      `${quoted(scope)} is not valid.`,
    [scope]
  )

/** OpenID Connect Core 3.1.2.6 */
export const noSession = badRequest(
  "login_required",
  50058,
  "A silent sign-in request was sent but no user is signed in."
)

export const sessionOfAnother = badRequest(
  "interaction_required",
  16000,
  "User account does not exist in tenant and cannot access the application in that tenant. The account needs to be " +
    "added as an external user in the tenant first. Sign out and sign in again with a different user account."
)

/** https://github.com/MicrosoftDocs/azure-docs/issues/114009 */
export const notInTenant = (tenant: string) =>
  badRequest(
    "access_denied",
    50020,
    `User account does not exist in tenant '${tenant}' and cannot access the application in that tenant. The account ` +
      "needs to be added as an external user in the tenant first. Sign out and sign in again with a different Azure " +
      "Active Directory user account."
  )

/** https://github.com/MicrosoftDocs/azure-docs/issues/114009; the subcode is that of the account picker. */
export const consentDeclined = new Refusal({
  status: 400,
  error: "access_denied",
  code: 65004,
  text: "User declined to consent to access the app.",
  subcode: "cancel"
})

/** Its text is widely quoted: https://github.com/MicrosoftDocs/entra-docs lists it as AdminConsentRequired. */
export const administratorConsentRequired = badRequest(
  "access_denied",
  90094,
  "The grant requires administrator permission. Ask an administrator to grant permission to this application."
)

/** The text of the page: https://github.com/Azure/azure-cli/issues/18647 */
export const wrongPassword = invalidGrant(50126, "Error validating credentials due to invalid username or password.")

/** The reference page's words; a redirect with them has not been seen. */
export const secondFactorDeclined = badRequest(
  "access_denied",
  500121,
  "Authentication failed during strong authentication request."
)

/** A page that was answered from elsewhere; what is quoted of it, shortened. */
export const notFromHere = invalidRequest(
  165000,
  "Invalid Request: The request tokens do not match the user context. Start over."
)

/** https://github.com/MicrosoftDocs/azure-docs/issues/39189 */
export const consentRequired = (clientId: string, displayName: string) =>
  new Refusal({
    status: 400,
    error: "invalid_grant",
    code: 65001,
    text:
      `The user or administrator has not consented to use the application with ID '${clientId}' named ` +
      `'${quoted(displayName)}'. Send an interactive authorization request for this user and resource.`,
    suberror: "consent_required"
  })

/**
 * A code or refresh token that cannot be read
 * (https://github.com/AzureAD/microsoft-authentication-library-for-js/issues/3088).
 */
export const malformedGrant = invalidGrant(9002313, "Invalid request. Request is malformed or invalid.")

/** https://github.com/QuePort/passport-azure-oauth/issues/6 */
export const unusableGrant = invalidGrant(70000, "The provided access grant is invalid or malformed.")

/** https://github.com/AzureAD/microsoft-identity-web/issues/2328 */
export const codeUsed = invalidGrant(
  54005,
  "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token."
)

export const codeExpired = invalidGrant(
  70008,
  "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization " +
    "request for this user and resource."
)

/** https://github.com/MicrosoftDocs/azure-docs/issues/51023 */
export const codeOfOtherTenant = invalidGrant(
  700005,
  "Provided Authorization Code is intended to use against other tenant, thus rejected."
)

/** An older code had the same text: https://github.com/PartnerCenterSamples/Reseller-Web-Application/issues/73 */
export const otherRedirectUri = (given: string, asked: string) =>
  invalidClient(
    500112,
    `The reply address '${quoted(given)}' does not match the reply address '${quoted(asked)}' provided when requesting ` +
      "Authorization code."
  )

/** https://github.com/pennersr/django-allauth/issues/2916 */
export const noVerifier = invalidGrant(
  50148,
  "The code_verifier does not match the code_challenge supplied in the authorization request for PKCE."
)

/** https://github.com/AzureAD/microsoft-authentication-library-for-js/issues/2694 */
export const wrongVerifier = invalidGrant(
  501481,
  "The Code_Verifier does not match the code_challenge supplied in the authorization request."
)

/** https://github.com/microsoft/foundry-dev-tools/issues/707 */
export const refreshTokenExpired = (issued: number) =>
  new Refusal({
    status: 400,
    error: "invalid_grant",
    code: 700082,
    text:
      `The refresh token has expired due to inactivity. The token was issued on ${instant(issued)} and was inactive for ` +
      "90.00:00:00.",
    suberror: "bad_token"
  })

/** https://github.com/microsoft/azuredatastudio/issues/13953 */
export const grantRevoked = (issued: number, validFrom: number) =>
  new Refusal({
    status: 400,
    error: "invalid_grant",
    code: 50173,
    text:
      "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed " +
      `or reset their password. The grant was issued on '${instant(issued)}' and the TokensValidFrom date (before which ` +
      `tokens are not valid) for this user is '${instant(validFrom)}'.`,
    suberror: "bad_token"
  })

/**
 * The code and text of https://github.com/CompassSecurity/EntraFalcon/issues/6, the suberror that Microsoft's libraries
 * look for (https://github.com/AzureAD/microsoft-authentication-library-for-go/pull/50).
 */
export const notOfFamily = new Refusal({
  status: 400,
  error: "invalid_grant",
  code: 700007,
  text: "The grant was issued for a different client id.",
  suberror: "client_mismatch"
})

export const userDisabled = invalidGrant(50057, "The user account is disabled.")

/** https://github.com/Softeria/ms-365-mcp-server/pull/508 */
export const tokenForItself = (clientId: string, displayName: string) =>
  invalidRequest(
    90009,
    `Application '${clientId}'(${quoted(displayName)}) is requesting a token for itself. This scenario is supported only ` +
      "if resource is specified using the GUID based App Identifier."
  )

/** Documented with on-behalf-of as the one, recorded as the other. */
export type PolicyError = "interaction_required" | "invalid_grant"

/** https://github.com/AzureAD/microsoft-authentication-library-for-js/issues/5491 */
export const mfaRequired = (policy: string, error: PolicyError) =>
  new Refusal({
    status: 400,
    error,
    code: 50076,
    text:
      "Due to a configuration change made by your administrator, or because you moved to a new location, you must use " +
      "multi-factor authentication to access the resource.",
    suberror: "basic_action",
    claims: essential("capolids", { values: [policy] })
  })

/** https://github.com/wkh237/react-native-azure-ad/issues/43 */
export const deviceRequired = (policy: string, error: PolicyError) =>
  new Refusal({
    status: 400,
    error,
    code: 53000,
    text:
      "Device is not in required device state. Conditional Access policy requires a compliant device, and the device is " +
      "not compliant.",
    suberror: "additional_action",
    claims: essential("capolids", { values: [policy] })
  })

export const contextRequired = (context: string, error: PolicyError) =>
  new Refusal({
    status: 400,
    error,
    code: 50076,
    text:
      "Due to a configuration change made by your administrator, or because you moved to a new location, you must use " +
      "multi-factor authentication to access the resource.",
    suberror: "basic_action",
    claims: essential("acrs", { value: context })
  })

/** SsoArtifactRevoked of the reference page, whose words these are. */
export const newerSignInRequired = (validFrom: number, error: PolicyError) =>
  new Refusal({
    status: 400,
    error,
    code: 50133,
    text: "The session isn't valid due to password expiration or recent password change.",
    suberror: "basic_action",
    claims: newerThan(validFrom)
  })

/** https://github.com/MartinIngesen/MSOLSpray/issues/5 */
export const blockedByPolicy = new Refusal({
  status: 400,
  error: "interaction_required",
  code: 53003,
  text: "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
  suberror: "message_only"
})

/** https://github.com/AzureAD/azure-activedirectory-library-for-dotnet/issues/1234 */
export const assertionSignature = invalidGrant(
  50013,
  "Assertion failed signature validation. [Reason - The provided signature value did not match the expected signature value.]"
)

export const assertionTenant = invalidGrant(50013, "Assertion is not valid because of its issuer.")

/** https://github.com/MicrosoftDocs/azure-docs/issues/16399 */
export const assertionExpired = (now: number, expires: number) =>
  invalidGrant(
    500133,
    `Assertion is not within its valid time range. Ensure that the access token is not expired before using it for user ` +
      `assertion, or request a new token. Current time: ${instant(now)}, expiry time of assertion ${instant(expires)}.`
  )

/** https://github.com/OfficeDev/microsoft-teams-apps-company-communicator/issues/214 */
export const assertionAudience = (audience: string, clientId: string, displayName: string) =>
  invalidGrant(
    500131,
    "Assertion audience does not match the Client app presenting the assertion. The audience in the assertion was " +
      `'${quoted(audience)}' and the expected audience is '${clientId}' or one of the Application Uris of this application ` +
      `with App ID '${clientId}'(${quoted(displayName)}). The downstream client must request a token for the expected ` +
      "audience (the application that made the OBO request) and this application should use that token as the assertion."
  )

/** https://github.com/microsoft/azure-spring-boot/issues/333 */
export const idTokenAsAssertion = invalidRequest(
  240002,
  "Input id_token cannot be used as 'urn:ietf:params:oauth:grant-type:jwt-bearer' grant."
)

/** https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/issues/2130 */
export const appOnlyAssertion = (clientId: string) =>
  badRequest(
    "unauthorized_client",
    7000114,
    `Application '${quoted(clientId)}' is not allowed to make application on-behalf-of calls.`
  )

/** https://github.com/secureworks/squarephish/issues/3 */
export const authorizationPending = badRequest(
  "authorization_pending",
  70016,
  "OAuth 2.0 device flow error. Authorization is pending. Continue polling."
)

/** The `error` of RFC 8628 3.5: no answer of Entra with it is known. */
export const slowDown = badRequest(
  "slow_down",
  70016,
  "OAuth 2.0 device flow error. Authorization is pending. The polling interval was not kept."
)

/** The `error` of https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code#expected-errors */
export const authorizationDeclined = badRequest(
  "authorization_declined",
  65004,
  "User declined to consent to access the app."
)

/** That page's `error` too, with the name that the reference page gives its code. */
export const badVerificationCode = badRequest(
  "bad_verification_code",
  70018,
  "Invalid verification code due to User typing in wrong user code for device code flow."
)

/** https://github.com/Azure/azure-sdk-for-python/issues/32375 */
export const deviceCodeExpired = badRequest(
  "expired_token",
  70020,
  "The provided value for the input parameter 'device_code' is not valid. This device code has expired."
)
