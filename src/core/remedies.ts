import type { TokenError } from "./TokenError.js"

const general: Readonly<Record<TokenError["_tag"], string>> = {
  TransportError: "Check the network, the firewall and the address.",
  Throttled: "Come back when the service says.",
  AuthorityUnavailable: "Come back later.",
  MalformedResponse: "Look for what stands between this program and the service: a proxy, a gateway, a portal.",
  InvalidClient: "Renew the secret, certificate or federated credential of the app registration.",
  RequestRejected: "Change the registration, the identity's assignment, or what is asked for.",
  ConfigurationError: "Correct the parameter.",
  CredentialUnavailable: "Use another credential.",
  ClientClosed: "Use the client within the layer or scope that made it.",
  InvalidGrant: "Sign in anew.",
  InteractionRequired: "Sign in anew.",
  CacheUnavailable: "Check the store of the token cache.",
  AuthorizationDeclined: "Ask the user or the administrator.",
  InvalidToken: "Don't believe the token.",
  InvalidAuthorizationResponse: "Begin the sign-in anew.",
  ClaimsChallengeRequired: "Pass the claims up to the caller's client.",
  DeviceCodeExpired: "Begin the sign-in anew."
}

/**
 * What to do about a failure.
 *
 * @internal
 */
export const remedyOf = (failure: TokenError): string =>
  ("remedy" in failure ? failure.remedy : undefined) ?? general[failure._tag]
