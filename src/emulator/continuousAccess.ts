/**
 * Continuous Access Evaluation: an API goes on looking at a token that it accepted before
 * (https://learn.microsoft.com/entra/identity/conditional-access/concept-continuous-access-evaluation).
 */
import * as Duration from "effect/Duration"
import type { JWTPayload } from "jose"
import * as DemandedClaims from "./demandedClaims.js"
import type { Api } from "./directory.js"
import * as Locations from "./locations.js"
import { seconds } from "./seconds.js"
import type { World } from "./world.js"

/** Whether a client said that it understands challenges; any other keeps what it has until that expires. */
export const isCapable = (capabilities: ReadonlyArray<string>): boolean => capabilities.includes("cp1")

/**
 * "Up to" so long: a person's by the page above, an application's by
 * https://learn.microsoft.com/entra/identity/conditional-access/concept-continuous-access-evaluation-workload
 */
const longest = { person: Duration.hours(28), app: Duration.hours(24) }

export interface Lifetime {
  readonly expiresIn: number
  readonly refreshIn: number | undefined
}

/**
 * How long an access token lives. The configured lifetime does not hold for who takes part on both sides, and about half
 * of a long life later it is time for the next token.
 */
export const lifetime = (
  { caeTokenLifetime, refreshIn, tokenLifetime }: World,
  api: Api | undefined,
  capabilities: ReadonlyArray<string>,
  who: "person" | "app"
): Lifetime => {
  const isLong = api?.cae === true && isCapable(capabilities)
  const expiresIn = seconds(isLong ? (caeTokenLifetime ?? longest[who]) : tokenLifetime)
  if (refreshIn !== undefined) return { expiresIn, refreshIn: seconds(refreshIn) }
  return { expiresIn, refreshIn: isLong ? Math.floor(expiresIn / 2) : undefined }
}

const demandOfApp = ({ memory }: World, uti: string): string | undefined => {
  const token = memory.appTokens.get(uti)
  return token?.revokedAt === undefined ? undefined : DemandedClaims.newerThan(token.revokedAt)
}

const demandOfPerson = ({ memory }: World, uti: string): string | undefined => {
  const token = memory.accessTokens.get(uti)
  if (token === undefined) return undefined
  const { grant, address } = token
  if (grant.revokedAt !== undefined) return DemandedClaims.newerThan(grant.revokedAt)
  const now = Locations.of(memory, grant.username)
  return now.address === address ? undefined : DemandedClaims.from(now.address, now.since)
}

/** What the API demands of a token that is valid and shows cp1, as `claims`. */
export const demand = (world: World, api: Api, { idtyp, uti }: JWTPayload): string | undefined => {
  if (api.cae !== true) return undefined
  return idtyp === "app" ? demandOfApp(world, String(uti)) : demandOfPerson(world, String(uti))
}
