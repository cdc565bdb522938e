/**
 * What goes wrong on demand: each fault is one answer of the token endpoint, of an API, or of an endpoint for managed
 * identities.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"

/**
 * A value that JSON can hold.
 *
 * @since 0.1.0
 * @category models
 */
export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

/**
 * Where a connection is reset: before any byte of the answer, in the middle of its body, or after its last byte, so that
 * the next request on the kept connection meets a dead socket.
 *
 * @since 0.1.0
 * @category models
 */
export type ResetAt = "beforeHeaders" | "midBody" | "afterBody"

/**
 * One answer that is not the normal one.
 *
 * @since 0.1.0
 * @category models
 */
export type Fault = Respond | Unavailable | Truncated | Reset | Hang | Delay

/**
 * A fixed answer.
 *
 * @since 0.1.0
 * @category models
 */
export interface Respond {
  readonly _tag: "Respond"
  readonly status: number
  readonly body: Json | undefined
  readonly headers: Readonly<Record<string, string>>
}

/**
 * 503 in Entra's own words, written when it is sent (ids and timestamp are the request's).
 *
 * @since 0.1.0
 * @category models
 */
export interface Unavailable {
  readonly _tag: "Unavailable"
  readonly retryAfter: string | undefined
}

/**
 * The normal answer cut in the middle, with a content-length that fits what is sent.
 *
 * @since 0.1.0
 * @category models
 */
export interface Truncated {
  readonly _tag: "Truncated"
}

/**
 * The request is processed, then its connection is reset.
 *
 * @since 0.1.0
 * @category models
 */
export interface Reset {
  readonly _tag: "Reset"
  readonly at: ResetAt
}

/**
 * The request is taken and never answered.
 *
 * @since 0.1.0
 * @category models
 */
export interface Hang {
  readonly _tag: "Hang"
}

/**
 * A pause before another fault, or before the normal answer.
 *
 * @since 0.1.0
 * @category models
 */
export interface Delay {
  readonly _tag: "Delay"
  readonly duration: Duration.Duration
  readonly then: Fault | undefined
}

/**
 * A fixed answer: a string body is sent as it stands, any other value as JSON; headers are sent as given, and a
 * content-type among them wins.
 *
 * @since 0.1.0
 * @category constructors
 */
export const respond = (options: {
  readonly status: number
  readonly body?: Json | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}): Fault => ({ _tag: "Respond", status: options.status, body: options.body, headers: options.headers ?? {} })

/**
 * Waits by the `Clock` (milliseconds as a number), then plays `then`, or gives the normal answer of that later moment.
 *
 * @since 0.1.0
 * @category constructors
 */
export const delay = (duration: Duration.DurationInput, then?: Fault): Fault => ({
  _tag: "Delay",
  duration: Duration.decode(duration),
  then
})

/**
 * Resets the connection; needs a host that owns the socket: `layerHttpClient` or `EntraEmulatorNode`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const reset = (at: ResetAt): Fault => ({ _tag: "Reset", at })

/**
 * The normal answer without the second half of its body.
 *
 * @since 0.1.0
 * @category constructors
 */
export const truncated: Fault = { _tag: "Truncated" }

/**
 * No answer at all, until the client or the server goes away.
 *
 * @since 0.1.0
 * @category constructors
 */
export const hang: Fault = { _tag: "Hang" }

/**
 * A page where JSON was expected, as gateways and captive portals send it, with 200 too
 * (https://github.com/AzureAD/microsoft-authentication-library-for-js/issues/4259).
 *
 * @since 0.1.0
 * @category constructors
 */
export const html = (status: number): Fault =>
  respond({
    status,
    body: `<!DOCTYPE html><html><head><title>${status}</title></head><body><h1>${status}</h1></body></html>`,
    headers: { "content-type": "text/html; charset=utf-8" }
  })

/**
 * A redirect, 307 unless told otherwise: the one that would carry the form, secret included, to another place.
 *
 * @since 0.1.0
 * @category constructors
 */
export const redirect = (location: string, status = 307): Fault => respond({ status, headers: { location } })

/**
 * 429 with the given Retry-After (none when undefined) and a body that is not JSON, as Entra answers throttled client
 * credentials (https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/issues/3907; the text is ours).
 *
 * @since 0.1.0
 * @category constructors
 */
export const throttled = (retryAfter: string | undefined): Fault =>
  respond({
    status: 429,
    body: "Too many requests",
    headers: {
      "content-type": "text/html; charset=utf-8",
      ...(retryAfter === undefined ? undefined : { "retry-after": retryAfter })
    }
  })

/**
 * 401 with this `WWW-Authenticate`, as it stands, whatever the token: for challenges that no emulated API makes, and for
 * one that is never content.
 *
 * @since 0.1.0
 * @category constructors
 */
export const challenge = (wwwAuthenticate: string): Fault =>
  respond({ status: 401, headers: { "www-authenticate": wwwAuthenticate } })

/**
 * 503 `temporarily_unavailable` with AADSTS90033 (https://github.com/Azure/azure-sdk-for-python/issues/14241).
 *
 * @since 0.1.0
 * @category constructors
 */
export const unavailable = (retryAfter?: string): Fault => ({ _tag: "Unavailable", retryAfter })
