import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Duration from "effect/Duration"
import type { SignInError } from "../core/TokenError.js"
import { type Page, show } from "./page.js"
import type { WebSessionUnavailable } from "./session.js"

/** How what a browser asks for can fail. */
export type WebFailure = SignInError | WebSessionUnavailable

const unsuccessful = "You were not signed in"

const later: Page = {
  status: 503,
  title: "Signing in is not possible right now",
  text: "This is not your fault. Try again in a moment."
}

const misconfigured: Page = {
  status: 500,
  title: unsuccessful,
  text: "This app is not set up correctly. Whoever runs it has to mend that."
}

const again: Page = { status: 400, title: unsuccessful, text: "What came back does not fit what was asked. Try again." }

const stranger: Page = { status: 403, title: unsuccessful, text: "This app is not for users of your organization." }

/** Nobody began what comes back, or it is over. */
export const unknownSignIn: Page = {
  status: 400,
  title: unsuccessful,
  text: "This sign-in was not begun in this browser, was finished already, or took more than 10 minutes. Try again."
}

/** A demand that a sign-in was made for, and that stands all the same. */
export const notEnough: Page = {
  status: 403,
  title: "You can't go on here",
  text: "You have signed in, and were refused all the same. Ask your administrator for access."
}

const pages: { readonly [Tag in WebFailure["_tag"]]: Page } = {
  AuthorizationDeclined: {
    status: 403,
    title: unsuccessful,
    text: "The sign-in was cancelled, or this app was not allowed to act for you."
  },
  InteractionRequired: notEnough,
  InvalidGrant: again,
  InvalidToken: again,
  InvalidAuthorizationResponse: again,
  Throttled: later,
  AuthorityUnavailable: later,
  TransportError: later,
  ClientClosed: later,
  CacheUnavailable: later,
  WebSessionUnavailable: later,
  MalformedResponse: { ...later, status: 502 },
  InvalidClient: misconfigured,
  RequestRejected: misconfigured,
  ConfigurationError: misconfigured,
  CredentialUnavailable: misconfigured
}

const isForeign: ReadonlySet<string> = new Set(["state", "expired", "used"])

const pageOf = (failure: WebFailure): Page => {
  if (failure._tag === "InvalidToken" && failure.reason === "tenant") return stranger
  if (failure._tag === "InvalidAuthorizationResponse" && isForeign.has(failure.reason)) return unknownSignIn
  return pages[failure._tag]
}

/**
 * What a person is told of a failure: never what the authority said of it.
 *
 * @internal
 */
export const showFailure = (failure: WebFailure, link: Page["link"]): HttpServerResponse.HttpServerResponse => {
  const correlationId = "correlationId" in failure ? failure.correlationId : undefined
  const response = show({ ...pageOf(failure), correlationId, link })
  const wait = "retryAfter" in failure ? failure.retryAfter : undefined
  return wait === undefined
    ? response
    : HttpServerResponse.setHeader(response, "retry-after", String(Math.ceil(Duration.toSeconds(wait))))
}
