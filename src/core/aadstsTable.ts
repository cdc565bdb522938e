import type { AadstsEntry } from "./Aadsts.js"

/**
 * The AADSTS codes as data: 350 of Microsoft's reference (MicrosoftDocs/entra-docs, reference-error-codes, 2025-02-03) and
 * 26 others, each with the public evidence for it. Descriptions and remedies are in our own words.
 *
 * @internal
 */
export const aadstsTable: Readonly<Record<number, AadstsEntry>> = {
  16000: {
    name: "InteractionRequired",
    description: "Signed-in account does not exist in the target tenant and cannot use this application there.",
    remedy: "Add the account as a guest, or sign out and pick an account of the tenant.",
    category: "interaction_required"
  },
  16001: {
    name: "UserAccountSelectionInvalid",
    description: "The account tile the user chose was rejected by session selection.",
    remedy: "Let the user pick again or use another account.",
    category: "interaction_required"
  },
  16002: {
    name: "AppSessionSelectionInvalid",
    description: "The session id (SID) the application demanded was not satisfied.",
    remedy: "Sign in again without the stale sid, or with the right account.",
    category: "interaction_required"
  },
  16003: {
    name: "SsoUserAccountNotFoundInResourceTenant",
    description: "The user was never added explicitly to the resource tenant.",
    remedy: "Invite the user to the tenant.",
    category: "user"
  },
  17003: {
    name: "CredentialKeyProvisioningFailed",
    description: "The user's key could not be provisioned.",
    remedy: "Retry registration; contact the administrator.",
    category: "service"
  },
  20001: {
    name: "WsFedSignInResponseError",
    description: "The federated identity provider returned a faulty WS-Fed sign-in response.",
    remedy: "Ask the identity provider's operator.",
    category: "configuration"
  },
  20012: {
    name: "WsFedMessageInvalid",
    description: "The WS-Fed message from the federated identity provider is invalid.",
    remedy: "Ask the identity provider's operator.",
    category: "configuration"
  },
  20033: {
    name: "FedMetadataInvalidTenantName",
    description: "Federation metadata carries an invalid tenant name.",
    remedy: "Ask the identity provider's operator.",
    category: "configuration"
  },
  28002: {
    description: "The scope value is not valid for an access token request.",
    remedy: "Send a valid scope.",
    category: "request"
  },
  28003: {
    description: "Scope was empty while redeeming an authorization code for an access token.",
    remedy: "Send a non-empty scope.",
    category: "request"
  },
  40008: {
    name: "OAuth2IdPUnretryableServerError",
    description: "The federated OAuth2 provider failed in a way that cannot be retried.",
    remedy: "Ask the identity provider's operator.",
    category: "service"
  },
  40009: {
    name: "OAuth2IdPRefreshTokenRedemptionUserError",
    description: "The federated provider rejected the refresh token of the user.",
    remedy: "Sign in again; ask the identity provider's operator.",
    category: "interaction_required"
  },
  40010: {
    name: "OAuth2IdPRetryableServerError",
    description: "The federated OAuth2 provider had a retryable server failure.",
    remedy: "Retry later; if it persists ask the identity provider's operator.",
    category: "transient"
  },
  40015: {
    name: "OAuth2IdPAuthCodeRedemptionUserError",
    description: "The federated provider rejected the authorization code.",
    remedy: "Sign in again; ask the identity provider's operator.",
    category: "interaction_required"
  },
  50000: {
    name: "TokenIssuanceError",
    description: "The sign-in service failed to issue the token.",
    remedy: "Open a support ticket with the ids.",
    category: "service"
  },
  50001: {
    name: "InvalidResource",
    description: "The requested resource is disabled or does not exist.",
    remedy: "Check the exact resource URI in the scope.",
    category: "configuration"
  },
  50002: {
    name: "NotAllowedTenant",
    description: "Tenant access is restricted by a proxy.",
    remedy: "Change the tenant restriction settings if they are yours.",
    category: "configuration"
  },
  50003: {
    name: "MissingSigningKey",
    description: "No signing key or certificate is configured for the app.",
    remedy: "Configure a signing key for the app.",
    category: "configuration"
  },
  50005: {
    name: "DevicePolicyError",
    description: "Sign-in from a device platform that Conditional Access does not support.",
    remedy: "Use a supported platform.",
    category: "conditional_access"
  },
  50006: {
    name: "InvalidSignature",
    description: "Signature verification failed.",
    remedy: "Check the signing key and what was signed.",
    category: "request"
  },
  50007: {
    name: "PartnerEncryptionCertificateMissing",
    description: "The partner encryption certificate of the app is missing.",
    remedy: "Open a support ticket.",
    category: "service"
  },
  50008: {
    name: "InvalidSamlToken",
    description: "SAML assertion is missing or misconfigured in the token.",
    remedy: "Ask the federation provider.",
    category: "configuration"
  },
  50010: {
    name: "AudienceUriValidationFailed",
    description: "No token audiences are configured for the app.",
    remedy: "Configure the app's identifier URIs.",
    category: "configuration"
  },
  50011: {
    name: "InvalidReplyTo",
    description: "Redirect URI is missing, misconfigured or not registered for the app.",
    remedy: "Register the exact redirect URI.",
    category: "configuration"
  },
  50012: {
    name: "AuthenticationFailed",
    description:
      "Certificate based client authentication failed (subject, chain, thumbprint, policy or assertion signature).",
    remedy: "Check the registered certificate and the assertion.",
    category: "credentials"
  },
  50013: {
    name: "InvalidAssertion",
    description: "Assertion is expired, malformed, from an unexpected issuer or not usable.",
    remedy: "Get a fresh assertion; in on-behalf-of ask the caller for a new token.",
    category: "request"
  },
  50014: {
    name: "GuestUserInPendingState",
    description: "User account is not (yet) present in the directory.",
    remedy: "Choose the right tenant or finish the guest invitation.",
    category: "user"
  },
  50015: {
    name: "ViralUserLegalAgeConsentRequiredState",
    description: "Legal age group consent is required for the user.",
    remedy: "Let the user complete consent interactively.",
    category: "consent_required"
  },
  50017: {
    name: "CertificateValidationFailed",
    description: "Certificate chain or revocation list validation failed.",
    remedy: "Have the tenant administrator fix trusted CAs and CRLs.",
    category: "credentials"
  },
  50020: {
    name: "UserUnauthorized",
    description: "Account from another identity provider is not a member or guest of the tenant.",
    remedy: "Invite the user or use another account.",
    category: "user"
  },
  50027: {
    name: "InvalidJwtToken",
    description: "JWT is invalid (claims, issuer, audience, lifetime, format or signature).",
    remedy: "Correct the JWT that is sent.",
    category: "credentials"
  },
  50029: {
    description: "Domain name in a URI has invalid characters.",
    remedy: "Contact the tenant administrator.",
    category: "configuration"
  },
  50032: {
    name: "WeakRsaKey",
    description: "A weak RSA key was used.",
    remedy: "Use a stronger key.",
    category: "credentials"
  },
  50033: {
    name: "RetryableError",
    description: "Transient failure not related to database operations.",
    remedy: "Retry after a delay.",
    category: "transient"
  },
  50034: {
    name: "UserAccountNotFound",
    description: "The user account is not in the directory.",
    remedy: "Check the user name or tenant; invite the user.",
    category: "user"
  },
  50042: {
    name: "UnableToGeneratePairwiseIdentifierWithMissingSalt",
    description: "Salt for the pairwise identifier is missing.",
    remedy: "Contact the tenant administrator.",
    category: "configuration"
  },
  50043: {
    name: "UnableToGeneratePairwiseIdentifierWithMultipleSalts",
    description: "More than one salt exists for the pairwise identifier.",
    remedy: "Contact the tenant administrator.",
    category: "configuration"
  },
  50048: {
    name: "SubjectMismatchesIssuer",
    description: "Subject and issuer of the client assertion differ.",
    remedy: "Send the client id as both iss and sub.",
    category: "credentials"
  },
  50049: {
    name: "NoSuchInstanceForDiscovery",
    description: "The authority host or instance is unknown or invalid.",
    remedy: "Check the authority host.",
    category: "request"
  },
  50050: {
    name: "MalformedDiscoveryRequest",
    description: "Instance discovery request is malformed.",
    remedy: "Correct the discovery request.",
    category: "request"
  },
  50053: {
    name: "IdsLocked",
    description: "Account is locked by repeated failed sign-ins, or the IP address is blocked as malicious.",
    remedy: "Wait or have an administrator unblock the user.",
    category: "user"
  },
  50055: {
    name: "InvalidPasswordExpiredPassword",
    description: "The user's password has expired.",
    remedy: "Let the user reset the password.",
    category: "user"
  },
  50056: {
    description: "No password is stored for this user, or it was null.",
    remedy: "Ask the user for the password again.",
    category: "user"
  },
  50057: {
    name: "UserDisabled",
    description: "The user account is disabled.",
    remedy: "An administrator must enable the account.",
    category: "user"
  },
  50058: {
    name: "UserInformationNotProvided",
    description: "No usable single sign-on session: the user is not signed in (common with prompt=none).",
    remedy: "Sign in interactively.",
    category: "interaction_required"
  },
  50059: {
    name: "MissingTenantRealmAndNoUserInformationProvided",
    description: "No tenant could be found in the request or implied by the credentials.",
    remedy: "Use a tenant-specific authority.",
    category: "configuration"
  },
  50061: {
    name: "SignoutInvalidRequest",
    description: "Sign-out request was invalid.",
    remedy: "Correct the sign-out request.",
    category: "request"
  },
  50064: {
    name: "CredentialAuthenticationError",
    description: "User name or password did not validate.",
    remedy: "Ask for the credentials again.",
    category: "user"
  },
  50068: {
    name: "SignoutInitiatorNotParticipant",
    description: "App that started sign-out is not part of the session.",
    remedy: "Nothing to do for token clients.",
    category: "request"
  },
  50070: {
    name: "SignoutUnknownSessionIdentifier",
    description: "Sign-out named a session identifier that does not match.",
    remedy: "Correct the sign-out request.",
    category: "request"
  },
  50071: {
    name: "SignoutMessageExpired",
    description: "Sign-out request has expired.",
    remedy: "Send a fresh sign-out request.",
    category: "request"
  },
  50072: {
    name: "UserStrongAuthEnrollmentRequiredInterrupt",
    description: "User must enrol for multifactor authentication.",
    remedy: "Start an interactive sign-in.",
    category: "interaction_required"
  },
  50074: {
    name: "UserStrongAuthClientAuthNRequiredInterrupt",
    description: "Strong authentication is required and was not passed.",
    remedy: "Start an interactive sign-in.",
    category: "interaction_required"
  },
  50076: {
    name: "UserStrongAuthClientAuthNRequired",
    description: "Multifactor authentication is required by policy or because of a new location.",
    remedy: "Send a new interactive request for the resource with any claims returned.",
    category: "interaction_required"
  },
  50078: {
    name: "UserStrongAuthExpired",
    description: "Earlier multifactor authentication has expired by policy.",
    remedy: "Start an interactive sign-in with any claims returned.",
    category: "interaction_required"
  },
  50079: {
    name: "UserStrongAuthEnrollmentRequired",
    description: "User must register for or obtain multifactor authentication.",
    remedy: "Start an interactive sign-in.",
    category: "interaction_required"
  },
  50085: {
    description: "Refresh token needs a sign-in at the social identity provider.",
    remedy: "Have the user sign in again.",
    category: "interaction_required"
  },
  50086: {
    name: "SasNonRetryableError",
    description: "Strong authentication service failed and it must not be retried.",
    remedy: "Report to support if it persists.",
    category: "service"
  },
  50087: {
    name: "SasRetryableError",
    description: "Transient failure during strong authentication.",
    remedy: "Retry after a delay.",
    category: "transient"
  },
  50088: {
    description: "Limit on telephone multifactor calls was reached.",
    remedy: "Wait some minutes and try again.",
    category: "throttled"
  },
  50089: {
    description: "Flow token has expired (codes, refresh tokens and sessions end or are revoked).",
    remedy: "Ask the user to sign in again.",
    category: "interaction_required"
  },
  50097: {
    name: "DeviceAuthenticationRequired",
    description: "Device authentication is required.",
    remedy: "Use a registered device and a broker or platform that can prove it.",
    category: "conditional_access"
  },
  50098: { description: "JWT body lacks a required field.", remedy: "Add the field.", category: "request" },
  50099: {
    name: "PKeyAuthInvalidJwtUnauthorized",
    description: "Signature of the PKeyAuth JWT is invalid.",
    remedy: "Correct the device key signature.",
    category: "request"
  },
  50100: {
    description: "Claims for the token could not be transformed.",
    remedy: "Fix the claims mapping.",
    category: "configuration"
  },
  50101: {
    description: "Unknown claims transformer is configured for the principal.",
    remedy: "Fix the claims mapping.",
    category: "configuration"
  },
  50102: {
    description: "Custom claims transformer could not be loaded.",
    remedy: "Fix the claims mapping.",
    category: "configuration"
  },
  50103: {
    description: "Claims transformation failed with a message.",
    remedy: "Fix the claims mapping.",
    category: "configuration"
  },
  50105: {
    name: "EntitlementGrantsNotFound",
    description: "The user is not assigned to the application although assignment is required.",
    remedy: "Assign the user or a group to the app.",
    category: "user"
  },
  50107: {
    description: "Requested federation realm object does not exist.",
    remedy: "Correct the sign-in request or realm.",
    category: "request"
  },
  50108: {
    description: "Claims transformation configuration could not be read.",
    remedy: "Fix the claims mapping.",
    category: "configuration"
  },
  50109: {
    description: "Claim transformation is unknown in the configuration.",
    remedy: "Fix the claims mapping.",
    category: "configuration"
  },
  50111: {
    description: "An unknown claim transformation was requested.",
    remedy: "Fix the claims mapping.",
    category: "configuration"
  },
  50117: {
    description: "Policy in the request's claims parameter could not be parsed.",
    remedy: "Send valid JSON in the claims parameter.",
    category: "request"
  },
  50120: {
    description: "Credential type in the JWT header is unknown.",
    remedy: "Correct the assertion header.",
    category: "credentials"
  },
  50123: {
    description: "Unknown claims transformation method is configured.",
    remedy: "Fix the claims mapping.",
    category: "configuration"
  },
  50124: {
    description: "Invalid regular expression in a claims transformation.",
    remedy: "Fix the claims mapping.",
    category: "configuration"
  },
  50125: {
    name: "PasswordResetRegistrationRequiredInterrupt",
    description: "Sign-in interrupted by password reset or registration.",
    remedy: "Start an interactive sign-in.",
    category: "interaction_required"
  },
  50126: {
    name: "InvalidUserNameOrPassword",
    description: "User name or password is wrong.",
    remedy: "Ask for the credentials again.",
    category: "user"
  },
  50127: {
    name: "BrokerAppNotInstalled",
    description: "A broker app must be installed to reach this content.",
    remedy: "Install the broker app.",
    category: "conditional_access"
  },
  50128: {
    description: "Domain name is invalid: no tenant in the request or the credentials.",
    remedy: "Use a tenant-specific authority.",
    category: "configuration"
  },
  50129: {
    name: "DeviceIsNotWorkplaceJoined",
    description: "Device must be workplace joined.",
    remedy: "Register the device.",
    category: "conditional_access"
  },
  50130: {
    description: "A claim value is not a known authentication method.",
    remedy: "Correct the claim.",
    category: "request"
  },
  50131: {
    name: "ConditionalAccessFailed",
    description: "Conditional Access or security policy refused (device state, suspicious activity, policy).",
    remedy: "Remediate per policy; pass claims in an interactive request.",
    category: "conditional_access"
  },
  50132: {
    name: "SsoArtifactInvalidOrExpired",
    description: "Session is invalid because the password expired or changed.",
    remedy: "Have the user sign in again.",
    category: "interaction_required"
  },
  50133: {
    name: "SsoArtifactRevoked",
    description: "Session was revoked because the password expired or changed.",
    remedy: "Have the user sign in again.",
    category: "interaction_required"
  },
  50134: {
    name: "DeviceFlowAuthorizeWrongDatacenter",
    description: "Device code was authorized in another data centre than the one that issued it.",
    remedy: "Start the device flow again.",
    category: "request"
  },
  50135: {
    name: "PasswordChangeCompromisedPassword",
    description: "Password must be changed because of account risk.",
    remedy: "Have the user change the password interactively.",
    category: "interaction_required"
  },
  50136: {
    name: "RedirectMsaSessionToApp",
    description: "A single Microsoft account session was found; an interrupt redirects to the app.",
    remedy: "Continue interactively.",
    category: "interaction_required"
  },
  50137: {
    description: "Password must be changed by a security policy rule.",
    remedy: "Have the user change the password interactively.",
    category: "interaction_required"
  },
  50138: { description: "Encryption key environment is invalid.", remedy: "Contact support.", category: "service" },
  50139: {
    name: "SessionMissingMsaOAuth2RefreshToken",
    description: "Session lacks an external refresh token.",
    remedy: "Have the user sign in again.",
    category: "interaction_required"
  },
  50140: {
    name: "KmsiInterrupt",
    description: "The keep-me-signed-in prompt interrupted sign-in; expected in the flow.",
    remedy: "Continue interactively.",
    category: "interaction_required"
  },
  50141: {
    description: "Protected key is not meant for the authenticated user.",
    remedy: "Sign in with the matching user.",
    category: "request"
  },
  50142: {
    description: "Conditional Access requires a password change.",
    remedy: "Have the user change the password interactively.",
    category: "conditional_access"
  },
  50143: {
    description: "Session does not fit the tenant or domain hint.",
    remedy: "Sign in again without the stale hint; support if it persists.",
    category: "interaction_required"
  },
  50144: {
    name: "InvalidPasswordExpiredOnPremPassword",
    description: "On-premises password has expired.",
    remedy: "Reset the password.",
    category: "user"
  },
  50146: {
    name: "MissingCustomSigningKey",
    description: "App needs its own signing key, which is missing, expired or not yet valid.",
    remedy: "Configure the app-specific signing key.",
    category: "configuration"
  },
  50147: {
    name: "MissingCodeChallenge",
    description: "PKCE code challenge has an invalid size.",
    remedy: "Send a 43 to 128 character S256 challenge.",
    category: "request"
  },
  50148: {
    description: "PKCE verifier does not match the challenge.",
    remedy: "Send the verifier that made the challenge.",
    category: "request"
  },
  50149: { description: "PKCE challenge method is invalid.", remedy: "Use S256.", category: "request" },
  50150: {
    description: "Credentials carry no valid user consent approval.",
    remedy: "Ask for consent interactively.",
    category: "consent_required"
  },
  50155: {
    name: "DeviceAuthenticationFailed",
    description: "Device authentication failed for this user.",
    remedy: "Re-register or repair the device.",
    category: "conditional_access"
  },
  50156: {
    description: "Device tokens are not supported for a v2 resource.",
    remedy: "Use another kind of token.",
    category: "request"
  },
  50157: {
    description: "User must be redirected for routing.",
    remedy: "Continue interactively.",
    category: "interaction_required"
  },
  50158: {
    description: "External security challenge (terms of use, third-party MFA) is not yet satisfied.",
    remedy: "Continue interactively with any claims returned.",
    category: "conditional_access"
  },
  50159: {
    description: "External provider sent too few claims.",
    remedy: "Fix the external provider.",
    category: "configuration"
  },
  50160: {
    description: "Another target tenant is preferred.",
    remedy: "Continue interactively or change the tenant.",
    category: "interaction_required"
  },
  50161: {
    description: "Authorization URL of the external claims provider did not validate.",
    remedy: "Fix the external provider.",
    category: "configuration"
  },
  50162: {
    description: "Claims transformation timed out.",
    remedy: "Retry; if it persists simplify the transformation.",
    category: "transient"
  },
  50163: {
    description: "Regular expression replacement made a claim over the size limit.",
    remedy: "Fix the claims mapping.",
    category: "configuration"
  },
  50164: {
    description: "Access token was issued for another purpose.",
    remedy: "Send a token with the expected purpose.",
    category: "request"
  },
  50165: {
    description: "Requested token encryption algorithm is unsupported.",
    remedy: "Fix the app's token encryption configuration.",
    category: "configuration"
  },
  50166: {
    description: "Request to an external OIDC endpoint failed.",
    remedy: "Retry later; check the external provider.",
    category: "transient"
  },
  50167: {
    description: "The proof-of-possession key (pop_jwk) is invalid.",
    remedy: "Correct the key parameter.",
    category: "request"
  },
  50168: {
    description:
      "Windows accounts extension could do single sign-on but no SSO token was found; request interrupted to get it.",
    remedy: "Continue interactively.",
    category: "interaction_required"
  },
  50169: {
    name: "InvalidRequestBadRealm",
    description: "Realm is not configured in the service namespace.",
    remedy: "Correct the realm.",
    category: "request"
  },
  50170: {
    name: "MissingExternalClaimsProviderMapping",
    description: "External controls mapping is missing.",
    remedy: "Fix the external control configuration.",
    category: "configuration"
  },
  50171: {
    description: "The audience may only be used with mutual-TLS token calls.",
    remedy: "Use a mutual-TLS bound request.",
    category: "request"
  },
  50172: {
    description: "External claims provider is not approved.",
    remedy: "Approve the provider.",
    category: "configuration"
  },
  50173: {
    description: "Grant was revoked (for example password change); a fresh sign-in is needed.",
    remedy: "Discard the refresh token and sign in again.",
    category: "interaction_required"
  },
  50176: {
    description: "External control definition is missing.",
    remedy: "Fix the external control configuration.",
    category: "configuration"
  },
  50177: {
    name: "ExternalChallengeNotSupportedForPassthroughUsers",
    description: "External challenge does not work for passthrough users.",
    remedy: "Use another account or policy.",
    category: "configuration"
  },
  50178: {
    name: "SessionControlNotSupportedForPassthroughUsers",
    description: "Session control does not work for passthrough users.",
    remedy: "Use another account or policy.",
    category: "configuration"
  },
  50180: {
    name: "WindowsIntegratedAuthMissing",
    description: "Integrated Windows authentication is needed.",
    remedy: "Enable the tenant for Seamless SSO or sign in interactively.",
    category: "interaction_required"
  },
  50187: {
    name: "DeviceInformationNotProvided",
    description: "Device authentication failed: no device information.",
    remedy: "Use a registered device; retry interactively.",
    category: "conditional_access"
  },
  50192: {
    name: "RawCredentialExpectedNotFound",
    description: "No credential was included, for example a proxy removed the client certificate.",
    remedy: "Send the credential; check the proxy.",
    category: "request"
  },
  50194: {
    description: "App is single-tenant but the /common endpoint was used.",
    remedy: "Use a tenant-specific authority or make the app multitenant.",
    category: "configuration"
  },
  50196: {
    name: "LoopDetected",
    description: "Too many identical requests in a short time: client loop.",
    remedy: "Cache tokens, back off, do not repeat failed requests.",
    category: "throttled"
  },
  50197: {
    name: "ConflictingIdentities",
    description: "User could not be found because identities conflict.",
    remedy: "Sign in again.",
    category: "interaction_required"
  },
  50199: {
    name: "CmsiInterrupt",
    description: "User must confirm the app for safety in a mobile browser or web view.",
    remedy: "Continue interactively.",
    category: "interaction_required"
  },
  51000: {
    name: "RequiredFeatureNotEnabled",
    description: "A required feature is disabled.",
    remedy: "Enable the named feature.",
    category: "configuration"
  },
  51001: {
    name: "DomainHintMustbePresent",
    description: "Domain hint is required with an on-premises identifier or UPN.",
    remedy: "Send domain_hint.",
    category: "request"
  },
  51004: {
    name: "UserAccountNotInDirectory",
    description: "User account is not in the directory.",
    remedy: "Choose the right tenant or invite the user.",
    category: "user"
  },
  51005: {
    name: "TemporaryRedirect",
    description: "Equivalent of HTTP 307: the resource is at the Location header.",
    remedy: "Follow the Location header.",
    category: "request"
  },
  51006: {
    name: "ForceReauthDueToInsufficientAuth",
    description: "Session token lacks the integrated Windows authentication claim.",
    remedy: "Ask the user to sign in again.",
    category: "interaction_required"
  },
  52004: {
    name: "DelegationDoesNotExistForLinkedIn",
    description: "User has not consented to LinkedIn access.",
    remedy: "Ask for consent.",
    category: "consent_required"
  },
  53000: {
    name: "DeviceNotCompliant",
    description: "Conditional Access needs a compliant device and this one is not.",
    remedy: "Enrol the device in MDM; interactive request with claims.",
    category: "conditional_access"
  },
  53001: {
    name: "DeviceNotDomainJoined",
    description: "Conditional Access needs a domain joined device.",
    remedy: "Use a domain joined device.",
    category: "conditional_access"
  },
  53002: {
    name: "ApplicationUsedIsNotAnApprovedApp",
    description: "Conditional Access does not approve this client app.",
    remedy: "Use an approved app.",
    category: "conditional_access"
  },
  53003: {
    name: "BlockedByConditionalAccess",
    description: "Conditional Access blocked token issuance.",
    remedy: "Contact the administrator; pass claims if any in an interactive request.",
    category: "conditional_access"
  },
  53004: {
    name: "ProofUpBlockedDueToRisk",
    description: "User must register for multifactor authentication first; blocked by risk.",
    remedy: "Register for MFA from a trusted state.",
    category: "conditional_access"
  },
  53010: {
    name: "ProofUpBlockedDueToSecurityInfoAcr",
    description: "MFA methods may be configured only from specific places or devices.",
    remedy: "Register from an allowed place or device.",
    category: "conditional_access"
  },
  53011: {
    description: "User is blocked by risk in the home tenant.",
    remedy: "Remediate the risk in the home tenant.",
    category: "conditional_access"
  },
  54000: {
    name: "MinorUserBlockedLegalAgeGroupRule",
    description: "User is a minor blocked by a legal age rule.",
    remedy: "None for the client.",
    category: "user"
  },
  54005: {
    description: "Authorization code was already redeemed.",
    remedy: "Get a new code or use the refresh token.",
    category: "request"
  },
  65001: {
    name: "DelegationDoesNotExist",
    description: "Neither user nor administrator has consented to the app.",
    remedy: "Send an interactive authorization request for user and resource.",
    category: "consent_required"
  },
  65002: {
    description: "Consent between two Microsoft apps needs preauthorization; a Microsoft app id is being reused.",
    remedy: "Use an app id that you registered.",
    category: "configuration"
  },
  65004: {
    name: "UserDeclinedConsent",
    description: "User declined consent.",
    remedy: "Let the user try again and consent.",
    category: "consent_required"
  },
  65005: {
    name: "MisconfiguredApplication",
    description: "App's required resource list does not fit the requested resource.",
    remedy: "Fix the required permissions or identifier.",
    category: "configuration"
  },
  67003: {
    name: "ActorNotValidServiceIdentity",
    description: "Actor is not a valid service identity.",
    remedy: "Check the actor of the token.",
    category: "request"
  },
  70000: {
    name: "InvalidGrant",
    description: "Refresh token is not valid (for example token binding mismatch).",
    remedy: "Discard the refresh token and sign in again.",
    category: "interaction_required"
  },
  70001: {
    name: "UnauthorizedClient",
    description: "Application is disabled or was not found.",
    remedy: "Check client id and tenant; install the app.",
    category: "configuration"
  },
  70002: {
    name: "InvalidClient",
    description: "Client secret does not match.",
    remedy: "Send the right client secret.",
    category: "credentials"
  },
  70003: {
    name: "UnsupportedGrantType",
    description: "Grant type is not supported.",
    remedy: "Change the grant type.",
    category: "request"
  },
  70004: {
    name: "InvalidRedirectUri",
    description: "Redirect URI does not match any configured one.",
    remedy: "Register the exact redirect URI.",
    category: "configuration"
  },
  70005: {
    name: "UnsupportedResponseType",
    description: "Response type is not supported or not enabled for the app.",
    remedy: "Enable the response type or change it.",
    category: "request"
  },
  70007: {
    name: "UnsupportedResponseMode",
    description: "Response mode is not supported.",
    remedy: "Change response_mode.",
    category: "request"
  },
  70008: {
    name: "ExpiredOrRevokedGrant",
    description: "Refresh token or code has expired or was inactive.",
    remedy: "Sign in again.",
    category: "interaction_required"
  },
  70011: {
    name: "InvalidScope",
    description: "The requested scope is invalid.",
    remedy: "Correct the scope.",
    category: "request"
  },
  70012: {
    name: "MsaServerError",
    description: "Server error while authenticating a personal Microsoft account.",
    remedy: "Retry; support if it persists.",
    category: "transient"
  },
  70016: {
    name: "AuthorizationPending",
    description: "Device flow: the user has not finished yet.",
    remedy: "Keep polling, no faster than the given interval.",
    category: "transient"
  },
  70018: {
    name: "BadVerificationCode",
    description: "Device flow: verification code is wrong.",
    remedy: "Start a new device flow.",
    category: "request"
  },
  70019: {
    name: "CodeExpired",
    description: "Device flow: verification code expired.",
    remedy: "Start a new device flow.",
    category: "interaction_required"
  },
  70021: {
    description: "No federated identity credential matches the presented assertion.",
    remedy:
      "Match issuer, subject and audience of the federated credential exactly; wait for replication after creating it.",
    category: "credentials",
    evidence: "https://azure.github.io/azure-workload-identity/docs/troubleshooting.html"
  },
  70043: {
    name: "BadTokenDueToSignInFrequency",
    description: "Refresh token is invalid by Conditional Access sign-in frequency.",
    remedy: "Sign in again.",
    category: "conditional_access"
  },
  70044: {
    description: "Session has expired or is invalid by Conditional Access sign-in frequency.",
    remedy: "Sign in again.",
    category: "conditional_access",
    evidence: "https://github.com/AzureAD/microsoft-authentication-library-for-js/issues/5456"
  },
  75001: {
    name: "BindingSerializationError",
    description: "SAML message binding failed.",
    remedy: "Correct the SAML request.",
    category: "request"
  },
  75003: {
    name: "UnsupportedBindingError",
    description: "SAML binding is unsupported; responses use HTTP POST.",
    remedy: "Use HTTP POST binding.",
    category: "request"
  },
  75005: {
    name: "Saml2MessageInvalid",
    description: "SAML request is not supported.",
    remedy: "Correct the SAML request.",
    category: "request"
  },
  75008: {
    name: "RequestDeniedError",
    description: "SAML request has an unexpected destination.",
    remedy: "Correct the destination.",
    category: "request"
  },
  75011: {
    name: "NoMatchedAuthnContextInOutputClaims",
    description: "Authentication method used does not match the requested one.",
    remedy: "Relax or correct the requested authentication context.",
    category: "request"
  },
  75016: {
    name: "Saml2AuthenticationRequestInvalidNameIDPolicy",
    description: "NameIdPolicy of the SAML request is invalid.",
    remedy: "Correct NameIdPolicy.",
    category: "request"
  },
  76021: {
    name: "ApplicationRequiresSignedRequests",
    description: "App requires signed requests and this is unsigned.",
    remedy: "Sign the request.",
    category: "request"
  },
  76026: {
    name: "RequestIssueTimeExpired",
    description: "IssueTime of the SAML request has expired.",
    remedy: "Send a fresh request; check the clock.",
    category: "request"
  },
  80001: {
    name: "OnPremiseStoreIsNotAvailable",
    description: "Authentication agent cannot reach Active Directory.",
    remedy: "Fix the agent's connection.",
    category: "service"
  },
  80002: {
    name: "OnPremisePasswordValidatorRequestTimedout",
    description: "On-premises password validation timed out.",
    remedy: "Check Active Directory; retry.",
    category: "transient"
  },
  80005: {
    name: "OnPremisePasswordValidatorUnpredictableWebException",
    description: "Unknown failure while reading the agent's response.",
    remedy: "Retry; support if it persists.",
    category: "transient"
  },
  80007: {
    name: "OnPremisePasswordValidatorErrorOccurredOnPrem",
    description: "Authentication agent cannot validate the password.",
    remedy: "Check the agent logs.",
    category: "service"
  },
  80010: {
    name: "OnPremisePasswordValidationEncryptionException",
    description: "Authentication agent cannot decrypt the password.",
    remedy: "Check or reinstall the agent.",
    category: "service"
  },
  80012: {
    name: "OnPremisePasswordValidationAccountLogonInvalidHours",
    description: "Logon outside the hours that Active Directory allows.",
    remedy: "Sign in during allowed hours.",
    category: "user"
  },
  80013: {
    name: "OnPremisePasswordValidationTimeSkew",
    description: "Clock skew between the agent and Active Directory.",
    remedy: "Synchronize the clocks.",
    category: "service"
  },
  80014: {
    name: "OnPremisePasswordValidationAuthenticationAgentTimeout",
    description: "Agent answered after the maximum time.",
    remedy: "Retry; support if it persists.",
    category: "transient"
  },
  81004: {
    name: "DesktopSsoIdentityInTicketIsNotAuthenticated",
    description: "Kerberos authentication failed.",
    remedy: "Use another sign-in method; check Seamless SSO.",
    category: "user"
  },
  81005: {
    name: "DesktopSsoAuthenticationPackageNotSupported",
    description: "Authentication package is not supported.",
    remedy: "Use another sign-in method.",
    category: "user"
  },
  81006: {
    name: "DesktopSsoNoAuthorizationHeader",
    description: "No Authorization header was found for Seamless SSO.",
    remedy: "Check browser and Kerberos settings.",
    category: "request"
  },
  81007: {
    name: "DesktopSsoTenantIsNotOptIn",
    description: "Tenant is not enabled for Seamless SSO.",
    remedy: "Enable Seamless SSO.",
    category: "configuration"
  },
  81009: {
    name: "DesktopSsoAuthorizationHeaderValueWithBadFormat",
    description: "Kerberos ticket could not be validated.",
    remedy: "Check Seamless SSO.",
    category: "request"
  },
  81010: {
    name: "DesktopSsoAuthTokenInvalid",
    description: "Kerberos ticket is expired or invalid.",
    remedy: "Renew the ticket or sign in another way.",
    category: "user"
  },
  81011: {
    name: "DesktopSsoLookupUserBySidFailed",
    description: "No user was found for the Kerberos ticket.",
    remedy: "Check directory sync.",
    category: "user"
  },
  81012: {
    name: "DesktopSsoMismatchBetweenTokenUpnAndChosenUpn",
    description: "User differs from the one signed in to the device.",
    remedy: "Sign in with the device's user or interactively.",
    category: "user"
  },
  90002: {
    name: "InvalidTenantName",
    description: "Tenant was not found (wrong id, domain or cloud).",
    remedy: "Check the tenant and the cloud.",
    category: "configuration"
  },
  90004: {
    name: "InvalidRequestFormat",
    description: "Request has a bad format.",
    remedy: "Correct the request.",
    category: "request"
  },
  90005: {
    name: "InvalidRequestWithMultipleRequirements",
    description: "Identifier and login hint cannot be used together.",
    remedy: "Send only one.",
    category: "request"
  },
  90006: {
    name: "ExternalServerRetryableError",
    description: "Service is temporarily unavailable.",
    remedy: "Retry after a delay.",
    category: "transient"
  },
  90007: {
    name: "InvalidSessionId",
    description: "Session id cannot be parsed.",
    remedy: "Correct the session id.",
    category: "request"
  },
  90008: {
    name: "TokenForItselfRequiresGraphPermission",
    description: "No consent: the app needs at least sign-in and read profile.",
    remedy: "Add User.Read and consent.",
    category: "consent_required"
  },
  90009: {
    name: "TokenForItselfMissingIdenticalAppIdentifier",
    description: "App asks a token for itself without using its GUID identifier.",
    remedy: "Use the GUID app id as resource.",
    category: "request"
  },
  90010: {
    name: "NotSupported",
    description: "Algorithm could not be created.",
    remedy: "Use a supported algorithm.",
    category: "request"
  },
  90012: {
    name: "RequestTimeout",
    description: "Request timed out.",
    remedy: "Retry after a delay.",
    category: "transient"
  },
  90013: {
    name: "InvalidUserInput",
    description: "Input from the user is not valid.",
    remedy: "Correct the input.",
    category: "user"
  },
  90014: {
    name: "MissingRequiredField",
    description: "An expected field is missing from the credential.",
    remedy: "Send the field.",
    category: "request"
  },
  90015: {
    name: "QueryStringTooLong",
    description: "Query string is too long.",
    remedy: "Shorten it or use POST.",
    category: "request"
  },
  90016: {
    name: "MissingRequiredClaim",
    description: "Access token lacks a required claim.",
    remedy: "Send a token with the claim.",
    category: "request"
  },
  90019: {
    name: "MissingTenantRealm",
    description: "Tenant identifier could not be determined.",
    remedy: "Use a tenant-specific authority.",
    category: "configuration"
  },
  90020: {
    description: "SAML 1.1 assertion lacks the user's ImmutableID.",
    remedy: "Fix the federation's claim.",
    category: "configuration"
  },
  90022: {
    name: "AuthenticatedInvalidPrincipalNameFormat",
    description: "Principal name has a bad format.",
    remedy: "Use name[/host][@realm].",
    category: "request"
  },
  90023: {
    name: "InvalidRequest",
    description: "Authentication request is not valid.",
    remedy: "Correct the request.",
    category: "request"
  },
  90024: {
    name: "RequestBudgetExceededError",
    description: "Transient failure: request budget was exceeded.",
    remedy: "Retry after a delay.",
    category: "transient"
  },
  90027: {
    description: "This API version cannot issue tokens for the consumer tenant.",
    remedy: "Use version 2.0 of the protocol.",
    category: "request"
  },
  90033: {
    name: "MsodsServiceUnavailable",
    description: "The directory service is unavailable.",
    remedy: "Retry after a delay (observed with HTTP 503 temporarily_unavailable).",
    category: "transient"
  },
  90036: {
    name: "MsodsServiceUnretryableFailure",
    description: "Non-retryable failure of the directory service.",
    remedy: "Open a support ticket.",
    category: "service"
  },
  90038: {
    name: "NationalCloudTenantRedirection",
    description: "Tenant belongs to a national cloud that this instance does not federate with.",
    remedy: "Use the authority of that cloud.",
    category: "configuration"
  },
  90043: {
    name: "NationalCloudAuthCodeRedirection",
    description: "Feature is disabled for national cloud redirection.",
    remedy: "Use the authority of that cloud.",
    category: "configuration"
  },
  90051: {
    name: "InvalidNationalCloudId",
    description: "National cloud identifier is invalid.",
    remedy: "Correct the cloud identifier.",
    category: "request"
  },
  90055: {
    name: "TenantThrottlingError",
    description: "Too many incoming requests for the tenant.",
    remedy: "Back off; honour Retry-After.",
    category: "throttled"
  },
  90056: {
    name: "BadResourceRequest",
    description: "Code redemption was malformed or sent in the wrong way.",
    remedy: "POST the code to /token; check the endpoints.",
    category: "request"
  },
  90072: {
    name: "PassThroughUserMfaError",
    description: "External account is not in the tenant, so it cannot satisfy MFA there.",
    remedy: "Add the account as a guest or use another.",
    category: "user"
  },
  90081: {
    name: "OrgIdWsFederationMessageInvalid",
    description: "WS-Federation message is invalid.",
    remedy: "Correct the message.",
    category: "request"
  },
  90082: {
    name: "OrgIdWsFederationNotSupported",
    description: "Authentication policy of the request is not supported.",
    remedy: "Change the policy.",
    category: "request"
  },
  90084: {
    name: "OrgIdWsFederationGuestNotAllowed",
    description: "Guest accounts are not allowed for this site.",
    remedy: "Use a member account.",
    category: "user"
  },
  90085: {
    name: "OrgIdWsFederationSltRedemptionFailed",
    description: "Company object is not provisioned yet, so no token can be issued.",
    remedy: "Wait for provisioning.",
    category: "service"
  },
  90086: {
    name: "OrgIdWsTrustDaTokenExpired",
    description: "The user's DA token has expired.",
    remedy: "Sign in again.",
    category: "interaction_required"
  },
  90087: {
    name: "OrgIdWsFederationMessageCreationFromUriFailed",
    description: "WS-Federation message could not be made from the URI.",
    remedy: "Correct the URI.",
    category: "request"
  },
  90090: {
    name: "GraphRetryableError",
    description: "Service (Graph) is temporarily unavailable.",
    remedy: "Retry after a delay.",
    category: "transient"
  },
  90091: {
    name: "GraphServiceUnreachable",
    description: "Graph service could not be reached.",
    remedy: "Retry after a delay.",
    category: "transient"
  },
  90092: {
    name: "GraphNonRetryableError",
    description: "Graph failed in a way that must not be retried.",
    remedy: "Report to support.",
    category: "service"
  },
  90093: {
    name: "GraphUserUnauthorized",
    description: "Graph returned forbidden for the request.",
    remedy: "Check the user's rights.",
    category: "user"
  },
  90094: {
    name: "AdminConsentRequired",
    description: "Administrator consent is required.",
    remedy: "Have an administrator consent.",
    category: "consent_required"
  },
  90095: {
    name: "AdminConsentRequiredRequestAccess",
    description: "User must request consent from the administrator (workflow).",
    remedy: "Request administrator consent.",
    category: "consent_required"
  },
  90099: {
    description: "App is not authorized in the external tenant for delegated administrators.",
    remedy: "Pre-consent, or authorize through Partner Center.",
    category: "consent_required"
  },
  90100: {
    name: "InvalidRequestParameter",
    description: "A parameter is empty or invalid.",
    remedy: "Correct the parameter.",
    category: "request"
  },
  90101: {
    name: "InvalidEmailAddress",
    description: "Value is not a valid e-mail address.",
    remedy: "Correct the address.",
    category: "user"
  },
  90102: {
    name: "InvalidUriParameter",
    description: "Value is not a valid absolute URI.",
    remedy: "Send an absolute URI.",
    category: "request"
  },
  90107: {
    name: "InvalidXml",
    description: "Request contains invalid data or characters.",
    remedy: "Correct the XML.",
    category: "request"
  },
  90112: {
    description: "Application identifier must be a GUID.",
    remedy: "Send the GUID client id.",
    category: "request"
  },
  90114: {
    name: "InvalidExpiryDate",
    description: "Bulk token expiry would issue an expired token.",
    remedy: "Correct the expiry.",
    category: "request"
  },
  90117: {
    name: "InvalidRequestInput",
    description: "Request input is invalid.",
    remedy: "Correct the request.",
    category: "request"
  },
  90119: {
    name: "InvalidUserCode",
    description: "User code is null or empty.",
    remedy: "Send the user code.",
    category: "request"
  },
  90120: {
    name: "InvalidDeviceFlowRequest",
    description: "Device flow request was already authorized or declined.",
    remedy: "Start a new device flow.",
    category: "request"
  },
  90121: {
    name: "InvalidEmptyRequest",
    description: "Request is empty.",
    remedy: "Send the parameters.",
    category: "request"
  },
  90123: {
    name: "IdentityProviderAccessDenied",
    description: "Identity or claims provider denied the request.",
    remedy: "Ask the provider's operator.",
    category: "user"
  },
  90124: {
    name: "V1ResourceV2GlobalEndpointNotSupported",
    description: "Resource does not work on /common or /consumers.",
    remedy: "Use /organizations or a tenant-specific authority.",
    category: "configuration"
  },
  90125: {
    name: "DebugModeEnrollTenantNotFound",
    description: "User is not in the system.",
    remedy: "Check the user name.",
    category: "user"
  },
  90126: {
    name: "DebugModeEnrollTenantNotInferred",
    description: "Tenant could not be inferred from the user name.",
    remedy: "Use a tenant-specific authority.",
    category: "user"
  },
  90130: {
    name: "NonConvergedAppV2GlobalEndpointNotSupported",
    description: "App does not work on /common or /consumers.",
    remedy: "Use /organizations or a tenant-specific authority.",
    category: "configuration"
  },
  100007: {
    description: "Regional endpoint serves only managed identities or first-party and internal SN+I apps.",
    remedy: "Use the global endpoint.",
    category: "configuration"
  },
  120000: {
    name: "PasswordChangeIncorrectCurrentPassword",
    description: "Current password is wrong in a password change.",
    remedy: "Enter the right password.",
    category: "user"
  },
  120002: {
    name: "PasswordChangeInvalidNewPasswordWeak",
    description: "New password is too weak.",
    remedy: "Choose a stronger one.",
    category: "user"
  },
  120003: {
    name: "PasswordChangeInvalidNewPasswordContainsMemberName",
    description: "New password contains the member's name.",
    remedy: "Choose another.",
    category: "user"
  },
  120004: {
    name: "PasswordChangeOnPremComplexity",
    description: "New password fails on-premises complexity rules.",
    remedy: "Choose another.",
    category: "user"
  },
  120005: {
    name: "PasswordChangeOnPremSuccessCloudFail",
    description: "Password changed on-premises but not in the cloud.",
    remedy: "Try again or contact the administrator.",
    category: "service"
  },
  120008: {
    name: "PasswordChangeAsyncJobStateTerminated",
    description: "Password change job ended with a non-retryable failure.",
    remedy: "Contact the administrator.",
    category: "service"
  },
  120011: {
    name: "PasswordChangeAsyncUpnInferenceFailed",
    description: "User principal name could not be inferred in a password change.",
    remedy: "Contact the administrator.",
    category: "service"
  },
  120012: {
    name: "PasswordChangeNeedsToHappenOnPrem",
    description: "Password must be changed on-premises.",
    remedy: "Change it on-premises.",
    category: "user"
  },
  120013: {
    name: "PasswordChangeOnPremisesConnectivityFailure",
    description: "No connection to on-premises for a password change.",
    remedy: "Retry later; fix the connection.",
    category: "service"
  },
  120014: {
    name: "PasswordChangeOnPremUserAccountLockedOutOrDisabled",
    description: "On-premises account is locked or disabled.",
    remedy: "Unlock or enable the account.",
    category: "user"
  },
  120015: {
    name: "PasswordChangeADAdminActionRequired",
    description: "Administrator must act in Active Directory.",
    remedy: "Contact the administrator.",
    category: "user"
  },
  120016: {
    name: "PasswordChangeUserNotFoundBySspr",
    description: "User was not found by self-service reset.",
    remedy: "Contact the administrator.",
    category: "user"
  },
  120018: {
    name: "PasswordChangePasswordDoesnotComplyFuzzyPolicy",
    description: "New password breaks the banned-password policy.",
    remedy: "Choose another.",
    category: "user"
  },
  120020: {
    name: "PasswordChangeFailure",
    description: "Password change failed.",
    remedy: "Try again or contact the administrator.",
    category: "service"
  },
  120021: {
    name: "PartnerServiceSsprInternalServiceError",
    description: "Internal failure of the reset service.",
    remedy: "Retry later.",
    category: "service"
  },
  130004: {
    name: "NgcKeyNotFound",
    description: "User has no Windows Hello (NGC) key configured.",
    remedy: "Set up Windows Hello again.",
    category: "user"
  },
  130005: {
    name: "NgcInvalidSignature",
    description: "Windows Hello key signature did not verify.",
    remedy: "Set up Windows Hello again.",
    category: "user"
  },
  130006: {
    name: "NgcTransportKeyNotFound",
    description: "Windows Hello transport key is missing on the device.",
    remedy: "Re-register the device.",
    category: "user"
  },
  130007: {
    name: "NgcDeviceIsDisabled",
    description: "Device is disabled.",
    remedy: "Enable the device.",
    category: "conditional_access"
  },
  130008: {
    name: "NgcDeviceIsNotFound",
    description: "Device referenced by the key was not found.",
    remedy: "Re-register the device.",
    category: "conditional_access"
  },
  135010: {
    name: "KeyNotFound",
    description: "Key was not found.",
    remedy: "Register the key again.",
    category: "credentials"
  },
  135011: {
    description: "Device used for authentication is disabled.",
    remedy: "Enable or re-register the device.",
    category: "conditional_access"
  },
  140000: {
    name: "InvalidRequestNonce",
    description: "Request nonce was not provided.",
    remedy: "Send the nonce.",
    category: "request"
  },
  140001: {
    name: "InvalidSessionKey",
    description: "Session key is not valid.",
    remedy: "Sign in again.",
    category: "interaction_required"
  },
  160021: {
    name: "AppSessionSelectionInvalidSessionNotExist",
    description: "The application asked for a user session that does not exist.",
    remedy: "Sign in interactively; drop the sid hint.",
    category: "interaction_required"
  },
  165004: {
    description: "Message depends on the failure at run time.",
    remedy: "Read the message.",
    category: "unknown"
  },
  165900: {
    name: "InvalidApiRequest",
    description: "API request is invalid.",
    remedy: "Correct the request.",
    category: "request"
  },
  220450: {
    name: "UnsupportedAndroidWebViewVersion",
    description: "Android WebView version is not supported.",
    remedy: "Update WebView.",
    category: "user"
  },
  220501: {
    name: "InvalidCrlDownload",
    description: "Certificate revocation list could not be downloaded.",
    remedy: "Fix the CRL distribution point.",
    category: "credentials"
  },
  221000: {
    name: "DeviceOnlyTokensNotSupportedByResource",
    description: "Resource does not accept device-only tokens.",
    remedy: "Use a user token.",
    category: "configuration"
  },
  230109: {
    name: "CachedCredentialNonGWAuthNRequestsNotSupported",
    description: "Backup authentication service was called directly instead of through the Entra gateway.",
    remedy: "Send traffic to the normal sign-in host.",
    category: "request"
  },
  240001: {
    name: "BulkAADJTokenUnauthorized",
    description: "User may not register devices.",
    remedy: "Grant the right to register devices.",
    category: "user"
  },
  240002: {
    name: "RequiredClaimIsMissing",
    description: "ID token cannot serve as a jwt-bearer grant.",
    remedy: "Send an access token as assertion.",
    category: "request"
  },
  240003: {
    description: "Authorize endpoint gave an unexpected result.",
    remedy: "Sign in again.",
    category: "unknown"
  },
  240004: {
    description: "No authorization code came from the authorize endpoint.",
    remedy: "Read the attached failure.",
    category: "unknown"
  },
  392189: {
    description: "Mutual-TLS proof of possession works only with subject name/issuer or federated credentials.",
    remedy: "Use a supported credential.",
    category: "configuration",
    evidence:
      "https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/blob/main/tests/Microsoft.Identity.Test.Integration.netcore/HeadlessTests/MtlsTransportUserFlowTests.cs"
  },
  399284: {
    name: "InboundIdTokenIssuerInvalid",
    description: "ID token received from a federated provider has an empty or unexpected issuer.",
    remedy: "Fix issuer/realm configuration of the federation.",
    category: "configuration"
  },
  500011: {
    name: "InvalidResourceServicePrincipalNotFound",
    description: "The resource's service principal was not found in the tenant.",
    remedy: "Have an administrator install or consent to the resource app; check the tenant.",
    category: "configuration"
  },
  500014: {
    name: "InvalidResourceServicePrincipalDisabled",
    description: "The resource's service principal is disabled (lapsed subscription or by an administrator).",
    remedy: "Re-enable the enterprise application.",
    category: "configuration"
  },
  500021: {
    description: "Tenant restriction policy denies access to the tenant.",
    remedy: "Use an allowed tenant or change the restriction list.",
    category: "configuration"
  },
  500022: {
    description: "Tenant restriction policy denies access to the tenant.",
    remedy: "Use an allowed tenant or change the restriction list.",
    category: "configuration"
  },
  500113: {
    description: "No reply address is registered for the application.",
    remedy: "Register a redirect URI.",
    category: "configuration",
    evidence: "https://github.com/microsoft/powercat-business-approvals-kit/issues/198"
  },
  500133: {
    description: "User assertion is outside its validity time.",
    remedy: "Get a fresh user token before using it as assertion.",
    category: "request"
  },
  500141: {
    description: "Invitation redemption completed but was not started by the target application.",
    remedy: "Start the application again.",
    category: "user"
  },
  500181: {
    name: "CertificateValidationFailedTlsCertMismatch",
    description: "TLS client certificate does not match the one bound to the token request.",
    remedy: "Use the same certificate for TLS and the assertion or token.",
    category: "credentials",
    evidence: "https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/blob/main/CHANGELOG.md"
  },
  500201: {
    description: "This API version cannot issue tokens for a consumer account.",
    remedy: "Use the v2.0 endpoint.",
    category: "request",
    evidence: "https://github.com/mguessan/davmail/issues/180"
  },
  500207: {
    description: "Account type cannot be used with the resource.",
    remedy: "Use an account type that the resource supports.",
    category: "user"
  },
  500208: {
    description: "Domain is not valid for the expected account type.",
    remedy: "Use an account of the expected type.",
    category: "user"
  },
  500212: {
    name: "NotAllowedByOutboundPolicyTenant",
    description: "Home tenant's outbound access policy forbids the resource tenant.",
    remedy: "Have the home administrator change cross-tenant access.",
    category: "configuration"
  },
  500213: {
    name: "NotAllowedByInboundPolicyTenant",
    description: "Resource tenant's inbound access policy forbids this user.",
    remedy: "Have the resource administrator change cross-tenant access.",
    category: "configuration"
  },
  501241: {
    description: "Mandatory input of a claims transformation is missing (often SAML NameID).",
    remedy: "Add the claim rule to the enterprise application.",
    category: "configuration"
  },
  501461: {
    description: "Mapped claims are accepted only for an audience of the app GUID or a verified domain.",
    remedy: "Change the identifier or use an app-specific signing key.",
    category: "configuration"
  },
  501481: {
    description: "PKCE verifier does not match the challenge.",
    remedy: "Send the verifier that made the challenge.",
    category: "request"
  },
  501491: {
    name: "InvalidCodeChallengeMethodInvalidSize",
    description: "PKCE challenge has an invalid size.",
    remedy: "Send a 43 to 128 character S256 challenge.",
    category: "request"
  },
  501621: {
    name: "ClaimsTransformationTimeoutRegularExpressionTimeout",
    description: "Regular expression of a claims transformation timed out.",
    remedy: "Retry; if it persists simplify the expression.",
    category: "transient"
  },
  501631: {
    description: "Regular expression replacement had too many replacements.",
    remedy: "Fix the claims mapping.",
    category: "configuration"
  },
  501632: {
    description: "Regular expression replacement has too many substitution parameters.",
    remedy: "Fix the claims mapping.",
    category: "configuration"
  },
  530001: {
    description: "Conditional Access device requirement not met (variant of 53000).",
    remedy: "Remediate the device.",
    category: "conditional_access",
    evidence: "https://github.com/AzureAD/microsoft-authentication-library-common-for-objc/pull/1811"
  },
  530002: {
    description: "Conditional Access: device is not compliant (variant of 53000).",
    remedy: "Remediate the device.",
    category: "conditional_access",
    evidence: "https://github.com/AzureAD/microsoft-authentication-library-common-for-objc/pull/1811"
  },
  530003: {
    description: "Conditional Access: device must be managed.",
    remedy: "Enrol the device in MDM; interactive request with claims.",
    category: "conditional_access",
    evidence: "https://github.com/AzureAD/microsoft-authentication-library-for-objc/issues/1900"
  },
  530032: {
    name: "BlockedByConditionalAccessOnSecurityPolicy",
    description: "A tenant security policy blocks the request.",
    remedy: "Contact the administrator.",
    category: "conditional_access"
  },
  530034: {
    name: "DelegatedAdminBlockedDueToSuspiciousActivity",
    description: "Delegated administrator blocked by account risk in the home tenant.",
    remedy: "Remediate the risk in the home tenant.",
    category: "conditional_access"
  },
  530035: {
    name: "BlockedBySecurityDefaults",
    description: "Security defaults blocked legacy or unsafe authentication.",
    remedy: "Use modern authentication with MFA.",
    category: "conditional_access"
  },
  650052: {
    description: "App needs a service that the organization has not subscribed to or enabled.",
    remedy: "Administrator must enable the service.",
    category: "configuration"
  },
  650054: {
    description: "Permissions are asked for a resource that was removed.",
    remedy: "Check that all called resources exist in the tenant.",
    category: "configuration"
  },
  650056: {
    description: "Misconfigured app: permission not listed, no admin consent, wrong id or certificate.",
    remedy: "Fix the registration or give admin consent.",
    category: "configuration"
  },
  650057: {
    description: "Resource is not among those in the client's registration.",
    remedy: "Add the resource's permission to the registration.",
    category: "configuration"
  },
  650059: {
    description: "App audience (AzureADMyOrg) forbids use in this tenant.",
    remedy: "Change signInAudience or use the home tenant.",
    category: "configuration"
  },
  700003: {
    description: "Device object was not found in the tenant (deleted).",
    remedy: "Register the device again.",
    category: "conditional_access",
    evidence: "https://github.com/MicrosoftDocs/azure-docs/issues/42065"
  },
  700005: {
    name: "InvalidGrantRedeemAgainstWrongTenant",
    description: "Authorization code was issued for another tenant.",
    remedy: "Redeem the code at the same tenant authority.",
    category: "request"
  },
  700011: {
    name: "UnauthorizedClientAppNotFoundInOrgIdTenant",
    description: "Client application does not exist in the tenant.",
    remedy: "Register or install the app in the tenant.",
    category: "configuration"
  },
  700016: {
    name: "UnauthorizedClient_DoesNotMatchRequest",
    description: "Application was not found in the tenant.",
    remedy: "Check client id and tenant; install or consent to the app.",
    category: "configuration"
  },
  700020: {
    name: "InteractionRequired",
    description: "The access grant needs interaction.",
    remedy: "Start an interactive sign-in.",
    category: "interaction_required"
  },
  700022: {
    name: "InvalidMultipleResourcesScope",
    description: "Scope holds more than one resource.",
    remedy: "Ask for one resource per request.",
    category: "request"
  },
  700023: {
    name: "InvalidResourcelessScope",
    description: "Scope names no resource where one is needed.",
    remedy: "Send a resource scope.",
    category: "request"
  },
  700024: {
    description: "Client assertion is outside its validity time.",
    remedy: "Make a fresh assertion; check the clock.",
    category: "credentials",
    evidence: "https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/issues/4951"
  },
  700025: {
    name: "InvalidClientPublicClientWithCredential",
    description: "Public client sent a secret or assertion.",
    remedy: "Remove the credential or make the client confidential.",
    category: "request"
  },
  700027: {
    description: "Signature of the client assertion failed to validate.",
    remedy: "Check that the certificate is registered and the assertion is right.",
    category: "credentials"
  },
  700030: {
    description: "Subject name in the certificate is not authorized.",
    remedy: "Register the subject name or use the right certificate.",
    category: "credentials"
  },
  700054: {
    description: "Response type id_token is not enabled for the app.",
    remedy: "Enable ID tokens in the app's authentication settings.",
    category: "configuration"
  },
  700082: {
    name: "ExpiredOrRevokedGrantInactiveToken",
    description: "Refresh token expired by inactivity.",
    remedy: "Sign in again; expected part of the lifecycle.",
    category: "interaction_required"
  },
  700084: {
    description: "SPA refresh token reached its fixed lifetime.",
    remedy: "Send a new sign-in request.",
    category: "interaction_required"
  },
  700211: {
    description: "No federated credential matches the assertion's issuer.",
    remedy: "Correct the issuer of the federated credential.",
    category: "credentials",
    evidence: "https://github.com/Azure/azure-workload-identity/issues/1200"
  },
  700213: {
    description: "No federated credential matches the assertion's subject.",
    remedy: "Match the subject of the federated credential exactly; a wrong or freshly made credential gives this too.",
    category: "credentials",
    evidence: "https://github.com/Azure/login/issues/482"
  },
  700229: {
    name: "ForbiddenTokenType",
    description: "Only app-only tokens may serve as federated credentials of an Entra issuer.",
    remedy: "Use an app-only token from client credentials.",
    category: "credentials"
  },
  750054: {
    description: "SAMLRequest or SAMLResponse is missing from the redirect query string.",
    remedy: "Send the parameter.",
    category: "request"
  },
  900023: {
    description: "Tenant identifier is neither a valid DNS name nor an external domain.",
    remedy: "Correct the tenant in the authority.",
    category: "configuration",
    evidence: "https://github.com/caddy-dns/azure/issues/3"
  },
  900144: { description: "Request body lacks a named parameter.", remedy: "Send the parameter.", category: "request" },
  900236: {
    name: "InvalidRequestSamlPropertyUnsupported",
    description: "A SAML request property is not supported.",
    remedy: "Remove the property.",
    category: "request"
  },
  900382: {
    description: "Confidential clients are not supported in cross-cloud requests.",
    remedy: "Use the tenant's own cloud.",
    category: "configuration"
  },
  900384: {
    description: "JWT failed signature validation.",
    remedy: "Check the token and its key.",
    category: "credentials"
  },
  900432: {
    description: "Confidential clients are not supported in cross-cloud requests.",
    remedy: "Use the tenant's own cloud.",
    category: "configuration"
  },
  900561: {
    name: "BadResourceRequestInvalidRequest",
    description: "Wrong HTTP verb for the endpoint.",
    remedy: "Use POST (can be ignored if caused by the back button).",
    category: "request"
  },
  900612: {
    description: "Signing keys of the external provider could not be parsed.",
    remedy: "Fix the provider's JWKS.",
    category: "configuration"
  },
  900971: {
    description: "No reply address was provided.",
    remedy: "Send or register a redirect URI.",
    category: "request"
  },
  901002: {
    description: "The resource parameter is not supported.",
    remedy: "Use scope on the v2 endpoint.",
    category: "request"
  },
  901011: {
    name: "NoEmailAddressCollectedFromExternalOidcIDP",
    description: "External OIDC provider gave no e-mail address.",
    remedy: "Ask the user to share an address.",
    category: "user"
  },
  901012: {
    name: "EmailAddressCollectedFromExternalOidcIDPNotVerified",
    description: "External OIDC provider gave no verified e-mail address.",
    remedy: "Use a verified address.",
    category: "user"
  },
  901014: {
    name: "NoExternalIdentifierCollectedFromExternalOidcIDP",
    description: "External OIDC provider's ID token lacks an identifier.",
    remedy: "Fix the provider's claims.",
    category: "configuration"
  },
  1000000: {
    name: "UserNotBoundError",
    description: "Bind API needs the user to sign in with an external provider as well.",
    remedy: "Sign in with the external provider.",
    category: "interaction_required"
  },
  1000002: {
    name: "BindCompleteInterruptError",
    description: "Bind completed; the user must be informed.",
    remedy: "Continue interactively.",
    category: "interaction_required"
  },
  1000031: {
    description: "Application cannot be accessed at this time.",
    remedy: "Contact the administrator.",
    category: "configuration"
  },
  1000104: {
    name: "XCB2BResourceCloudNotAllowedOnIdentityTenant",
    description: "Resource's cloud is not allowed on the identity tenant.",
    remedy: "Allow the cloud in cross-tenant settings.",
    category: "configuration"
  },
  1000610: {
    name: "CertificateCreateAttestationTokenInvalidTimeRange",
    description:
      "Managed identity v2: attestation token is outside its validity time while minting a certificate (HTTP 401).",
    remedy: "Mint a new certificate (bypass the cache) and retry.",
    category: "credentials",
    evidence:
      "https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/blob/main/docs/msi_v2/msiv2_revocation_spec.md"
  },
  1000611: {
    name: "CertificateCreateAttestationTokenInvalidIssuer",
    description: "Managed identity v2: attestation token has an invalid issuer while minting a certificate (HTTP 401).",
    remedy: "Mint a new certificate (bypass the cache) and retry.",
    category: "credentials",
    evidence:
      "https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/blob/main/docs/msi_v2/msiv2_revocation_spec.md"
  },
  1000612: {
    name: "CertificateCreateAttestationTokenInvalidClaimValue",
    description:
      "Managed identity v2: attestation token has an invalid claim value while minting a certificate (HTTP 401).",
    remedy: "Mint a new certificate (bypass the cache) and retry.",
    category: "credentials",
    evidence:
      "https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/blob/main/docs/msi_v2/msiv2_revocation_spec.md"
  },
  1000613: {
    name: "CertificateCreateAttestationTokenInvalidJkuHeader",
    description:
      "Managed identity v2: attestation token has an invalid jku header while minting a certificate (HTTP 401).",
    remedy: "Mint a new certificate (bypass the cache) and retry.",
    category: "credentials",
    evidence:
      "https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/blob/main/docs/msi_v2/msiv2_revocation_spec.md"
  },
  1000614: {
    name: "CertificateCreateAttestationTokenInvalidSignature",
    description:
      "Managed identity v2: attestation token has an invalid signature while minting a certificate (HTTP 401).",
    remedy: "Mint a new certificate (bypass the cache) and retry.",
    category: "credentials",
    evidence:
      "https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/blob/main/docs/msi_v2/msiv2_revocation_spec.md"
  },
  1002012: {
    description: "Scope of a client credentials request must be a resource identifier with /.default.",
    remedy: "Send resource/.default.",
    category: "request",
    evidence: "https://github.com/databricks/databricks-sql-nodejs/issues/226"
  },
  5000224: {
    name: "NotAllowedTenantBlockedTenantFraud",
    description: "Resource is unavailable because the tenant is blocked.",
    remedy: "Contact Microsoft support.",
    category: "configuration"
  },
  5000819: {
    name: "InvalidSamlTokenEmailMissingOrInvalid",
    description: "SAML assertion has no email claim or one from another domain.",
    remedy: "Fix the federation's email claim.",
    category: "configuration"
  },
  5001256: {
    description: "External authentication provider returned an invalid ID token.",
    remedy: "Fix the external provider.",
    category: "configuration"
  },
  7000112: {
    name: "UnauthorizedClientApplicationDisabled",
    description: "The application is disabled.",
    remedy: "Enable the application.",
    category: "configuration"
  },
  7000114: {
    description: "App may not make on-behalf-of calls.",
    remedy: "Change the app or its configuration.",
    category: "configuration"
  },
  7000215: {
    description: "Client secret is invalid (often the secret id was sent instead of its value).",
    remedy: "Send the secret's value.",
    category: "credentials"
  },
  7000218: {
    description: "Request lacks client_assertion or client_secret.",
    remedy: "Send a credential, or make the app a public client.",
    category: "credentials"
  },
  7000222: {
    name: "InvalidClientSecretExpiredKeysProvided",
    description: "Client secret has expired.",
    remedy: "Create a new secret or use a certificate.",
    category: "credentials"
  },
  7000229: {
    description: "Client application has no service principal in the tenant.",
    remedy: "Create the service principal (consent) in that tenant.",
    category: "configuration",
    evidence: "https://github.com/Azure/Commercial-Marketplace-SaaS-Accelerator/issues/830"
  },
  7002137: {
    description: "No federated credential matches the assertion's subject (message names the expected subject).",
    remedy: "Set the subject that the message names.",
    category: "credentials",
    evidence: "https://github.com/microsoft/Agents/issues/202"
  },
  7002138: {
    description: "Assertion subject matches a federated credential only when case is ignored.",
    remedy: "Match the subject's case exactly.",
    category: "credentials",
    evidence: "https://github.com/Azure/login/issues/517"
  },
  7500514: {
    description: "No supported SAML response type was found.",
    remedy: "Correct the SAML response.",
    category: "request"
  },
  7500529: {
    description: "SAML ID is invalid (must not begin with a number).",
    remedy: "Prefix the ID with a letter.",
    category: "request"
  },
  9001023: {
    description: "Grant type does not work on /common or /consumers.",
    remedy: "Use /organizations or a tenant-specific authority.",
    category: "configuration"
  },
  9002313: {
    name: "InvalidRequest",
    description: "Request is malformed or invalid.",
    remedy: "Trace and correct the request.",
    category: "request"
  },
  9002325: {
    description: "Cross-origin code redemption needs PKCE.",
    remedy: "Send code_challenge and code_verifier.",
    category: "request",
    evidence: "https://github.com/vibber-ai/fastapi-azure-auth/issues/221"
  },
  9002326: {
    description: "Cross-origin token redemption works only for the single-page application platform.",
    remedy: "Register the redirect URI as SPA, or drop the Origin header.",
    category: "configuration",
    evidence: "https://github.com/vippsas/vipps-ecom-api/issues/246"
  },
  9002327: {
    description: "Tokens of the SPA platform may be redeemed only by cross-origin requests.",
    remedy: "Register the redirect URI as Web, or send an Origin header.",
    category: "configuration",
    evidence: "https://github.com/nextauthjs/next-auth/issues/9414"
  },
  9002332: {
    description: "App serves Entra users only but /consumers was used.",
    remedy: "Use another authority.",
    category: "configuration"
  },
  9002341: {
    name: "V2Error",
    description: "User must permit single sign-on (invalid_grant).",
    remedy: "Send the user to consent.",
    category: "consent_required"
  }
}
