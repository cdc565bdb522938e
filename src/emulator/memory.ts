/** What the emulator remembers of people: who is signed in, and what was granted, consented to and taken back. */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Bounded from "./bounded.js"
import type { Device } from "./devices.js"
import { type Policy, same } from "./directory.js"
import type { Location } from "./locations.js"

/** What one sign-in of a person gave to an application: codes, refresh tokens and access tokens go back to it. */
export interface Grant {
  /** The authority that granted it, by its key. */
  readonly realm: string
  readonly clientId: string
  readonly tenantId: string
  readonly username: string
  /** What the sign-in proved (`mfa`, `c1`). */
  readonly proofs: ReadonlySet<string>
  readonly scope: string
  /** Epoch milliseconds. */
  readonly authTime: number
  readonly issuedAt: number
  revokedAt: number | undefined
}

export interface Challenge {
  readonly method: "S256" | "plain"
  readonly value: string
}

export interface Code {
  readonly grant: Grant
  readonly redirectUri: string
  readonly challenge: Challenge | undefined
  readonly nonce: string | undefined
  readonly wantsAuthTime: boolean
  readonly expiresAt: number
  isUsed: boolean
}

export interface RefreshToken {
  readonly grant: Grant
  /** Of the applications that may use it too. */
  readonly family: string | undefined
  readonly issuedAt: number
  isUsed: boolean
}

export interface AccessToken {
  readonly grant: Grant
  /** Where the person was when it was issued. */
  readonly address: string
}

/** An application's own. */
export interface AppToken {
  readonly clientId: string
  revokedAt: number | undefined
}

/** A managed identity's token, in the cache of its host; epoch milliseconds. */
export interface IdentityToken {
  readonly accessToken: string
  readonly issuedAt: number
  readonly expiresAt: number
}

/** A person at a browser. */
export interface Session {
  readonly username: string
  readonly authTime: number
  readonly proofs: ReadonlySet<string>
}

/** A browser that was shown a form, whoever sits there. */
export interface Visit {
  readonly id: string
  /** In every form, so that no other site can answer a page. */
  readonly canary: string
  /** What its person's authenticator shows. */
  readonly code: string
}

export interface Memory {
  readonly codes: Bounded.Bounded<Code>
  readonly refreshTokens: Bounded.Bounded<RefreshToken>
  /** By the `uti` of the access token. */
  readonly accessTokens: Bounded.Bounded<AccessToken>
  /** By the `uti` too. */
  readonly appTokens: Bounded.Bounded<AppToken>
  readonly identityTokens: Bounded.Bounded<IdentityToken>
  /** Held by who makes one of them: whoever asks meanwhile gets the same. */
  readonly identityTokenLock: Effect.Semaphore
  /** What a file says that was written for a client on Azure Arc, by its path, until it has served. */
  readonly arcKeys: Map<string, Redacted.Redacted>
  /** By the value of the cookie. */
  readonly sessions: Bounded.Bounded<Session>
  /** By the value of another cookie. */
  readonly visits: Bounded.Bounded<Visit>
  /** By the device code. */
  readonly devices: Bounded.Bounded<Device>
  /** Where people are who were moved, by the username in lower case. */
  readonly locations: Map<string, Location>
  /** Who answers every page at once. */
  robot: Session | undefined
  readonly disabled: Set<string>
  /** Delegated permissions, by tenant, application and API: users' own, and an administrator's in place of the directory's. */
  readonly consented: Bounded.Bounded<Set<string>>
  readonly granted: Map<string, ReadonlyArray<string>>
  /** In place of the directory's, by the API's application id in lower case. */
  readonly policies: Map<string, ReadonlyArray<Policy>>
  /** Of whom a second factor is demanded, in place of the directory's word, by the username in lower case. */
  readonly secondFactors: Map<string, boolean>
}

export const make = (): Memory => ({
  codes: Bounded.make(),
  refreshTokens: Bounded.make(),
  accessTokens: Bounded.make(),
  appTokens: Bounded.make(),
  identityTokens: Bounded.make(),
  identityTokenLock: Effect.unsafeMakeSemaphore(1),
  arcKeys: new Map(),
  sessions: Bounded.make(),
  visits: Bounded.make(),
  devices: Bounded.make(),
  locations: new Map(),
  robot: undefined,
  disabled: new Set(),
  consented: Bounded.make(),
  granted: new Map(),
  policies: new Map(),
  secondFactors: new Map()
})

/** What comes of a sign-in. */
export const newGrant = (
  { username, proofs, authTime }: Session,
  { now, ...given }: Pick<Grant, "realm" | "clientId" | "tenantId" | "scope"> & { readonly now: number }
): Grant => ({ ...given, username, proofs, authTime, issuedAt: now, revokedAt: undefined })

/** Ends what was granted to a person until now. */
export const endGrants = (memory: Memory, username: string, now: number): void => {
  const grants = [
    ...memory.codes.values().map(({ grant }) => grant),
    ...memory.refreshTokens.values().map(({ grant }) => grant),
    ...memory.accessTokens.values().map(({ grant }) => grant),
    ...memory.devices.values().flatMap(({ answer }) => (answer === undefined || answer === "declined" ? [] : [answer]))
  ]
  for (const grant of grants) if (same(grant.username, username)) grant.revokedAt ??= now
}

/** And the sessions at browsers; who answers every page at once signs in again. */
export const revoke = (memory: Memory, username: string, now: number): void => {
  memory.sessions.removeIf((session) => same(session.username, username))
  const { robot } = memory
  if (robot !== undefined && same(robot.username, username)) {
    memory.robot = { username: robot.username, authTime: now, proofs: new Set() }
  }
  endGrants(memory, username, now)
}

/** Ends the tokens that an application got for itself until now. */
export const revokeApp = (memory: Memory, clientId: string, now: number): void => {
  for (const token of memory.appTokens.values()) if (same(token.clientId, clientId)) token.revokedAt ??= now
}
