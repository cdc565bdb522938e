import { Effect } from "effect"
import { expectedIdentityLines, type IdentityLine, identityTable, measureIdentities } from "./identityTable.js"
import type { Stage } from "./stage.js"
import { appTable, expectedLines, grantTable, type Line, markdown, measure } from "./table.js"
import { expectedReasons, measureTools, type Reasons, toolTable } from "./tools.js"

/** What the tables are made of. */
export interface Findings {
  readonly lines: ReadonlyArray<Line>
  readonly identities: ReadonlyArray<IdentityLine>
  readonly tools: Reasons
}

/** As the rows say it must be. */
export const expectedFindings: Findings = {
  lines: expectedLines,
  identities: expectedIdentityLines,
  tools: expectedReasons
}

/** As it is. Tools are run in real time, and first: who has joined a play is left with its clock. */
export const measureFindings: Effect.Effect<Findings, never, Stage> = Effect.all({
  tools: measureTools,
  lines: measure,
  identities: measureIdentities
})

/** The tables as a document. */
export const document = ({ identities, lines, tools }: Findings): string =>
  `# What goes wrong, and what comes of it

Written by \`npm run faults -- --markdown\`; a test holds it to what the code does. Times are the clock's, from no jitter
to all of it. *Once*: the first request meets the fault, the next ones are answered. *Always*: every request meets it;
*then held back* is for how long the next request of the same principal is answered from memory.

## Client credentials

${markdown(appTable(lines))}

## Every other grant: outcome and requests, when the fault stays

What is used up by asking (a code anywhere, a refresh token that rotates) is offered again only if the server has not
taken it. *Token over*: the refresh token is dropped, and memory tells the user to sign in. After every other fault it is
kept, and offered by the next request.

${markdown(grantTable(lines))}

## Managed identities

Outcome, and the requests that wanted a token: when every request meets the fault, and in brackets when the first one
alone does, where that ends otherwise. What may pass is tried four times, with 3.5 s of backoff at most, at IMDS eight
times, with 39 s at most; there a 5xx waits for a second at least and a 410 for ten. Azure Arc takes two requests for a
token: *once challenged*, the fault meets the second. IMDS that no variable names is looked for once by a request that
wants no token, and that is not counted. Nothing but a 429 or a Retry-After holds the identity back; the next request is
served.

${markdown(identityTable(identities))}

## Developers' tools

Each failure is a \`CredentialUnavailable\` with this reason.

${markdown(toolTable(tools))}
`
