/** Where a request was sent, and how the authority there differs from the others: the flows are the same for all. */
import type * as Duration from "effect/Duration"
import type { Checked, Refusal } from "./answers.js"
import type { Members } from "./chance.js"
import type { Dialect } from "./clientAssertion.js"
import type { Api, App, Tenant, User, UserFlow } from "./directory.js"

export interface Realm {
  /** Whose people may sign in: one tenant, or all of them at `common` and `organizations`. */
  readonly tenants: ReadonlyArray<Tenant>
  /** The endpoint for everybody that was asked, if it was one. */
  readonly global: "common" | "organizations" | "consumers" | undefined
  readonly userFlow: UserFlow | undefined
  /** What codes and refresh tokens are bound to. */
  readonly key: string
  readonly manners: Manners
}

/** An authority as a path names it: its manners are known before it is known whether there is such a tenant. */
export interface Authority {
  readonly manners: Manners
  readonly realm: Checked<Realm>
}

/** How an application proved itself, in the words of `azpacr`: "0" not at all, "1" by its secret, "2" by an assertion. */
export type Proof = "0" | "1" | "2"

/** What every token is made of; times in epoch seconds. */
export interface Facts {
  readonly origin: string
  readonly realm: Realm
  readonly tenant: Tenant
  readonly app: App
  readonly proof: Proof
  readonly now: number
  readonly expires: number
  readonly uti: string
}

export interface AppFacts extends Facts {
  readonly api: Api
  readonly capabilities: ReadonlyArray<string>
}

/** A person is known to applications by `subject`, which differs for each of them at Entra. */
export interface UserFacts extends Facts {
  readonly user: User
  readonly home: { readonly tenantId: string; readonly objectId: string }
  readonly proofs: ReadonlySet<string>
  readonly authTime: number
  readonly subject: string
  /** Of `openid`, `profile`, `email`, `offline_access`, those that were asked for. */
  readonly identity: ReadonlyArray<string>
}

export interface AccessFacts extends UserFacts {
  readonly api: Api
  /** Names of delegated permissions. */
  readonly granted: ReadonlyArray<string>
  readonly capabilities: ReadonlyArray<string>
}

export interface IdFacts extends UserFacts {
  readonly nonce: string | undefined
  readonly wantsAuthTime: boolean
}

/** An answer's parts, before it is known which members they become. */
export interface Issued {
  readonly accessToken: string | undefined
  readonly api: Api | undefined
  /** Absent for an application. */
  readonly scope: string | undefined
  readonly idToken: string | undefined
  readonly refreshToken: string | undefined
  readonly clientInfo: string | undefined
  /** Of the family of applications that share refresh tokens. */
  readonly family: string | undefined
  readonly refreshIn: number | undefined
  readonly now: number
  readonly expiresIn: number
}

export interface Manners {
  readonly appClaims: (facts: AppFacts) => Members
  readonly accessClaims: (facts: AccessFacts) => Members
  readonly idClaims: (facts: IdFacts) => Members
  /** Nothing where no such member is known. */
  readonly clientInfo: (facts: UserFacts) => Members | undefined
  readonly members: (issued: Issued) => Members
  /** The resource of a request that names none. */
  readonly defaultApi: (tenant: Tenant) => Api | undefined
  /** A refusal of Entra in this authority's words. */
  readonly refusal: (refusal: Refusal) => Refusal
  /** What becomes of a refresh token that is used: it lives on beside a new one, a new one takes its place, or none. */
  readonly refreshing: "multi" | "rotating" | "kept"
  readonly refreshLifetime: Duration.Duration
  /** Whether a person is asked for consent, which only an administrator gives elsewhere. */
  readonly asksConsent: boolean
  readonly wrongVerifierSpendsCode: boolean
  readonly assertions: Dialect
  /** Whether on-behalf-of is known here. */
  readonly knowsOnBehalfOf: boolean
  /** Whether devices can be signed in here. */
  readonly knowsDevices: boolean
}

export const marker = { emulator: "effect-entra" }

/** What optional claims take from a person. */
export const optionalClaims = (user: User, names: ReadonlyArray<string> = []): Members =>
  Object.fromEntries(Object.entries(user.claims ?? {}).filter(([name]) => names.includes(name)))
