import { parseArgs } from "node:util"
import { Effect } from "effect"
import { document, measureFindings } from "./document.js"
import { identityTable } from "./identityTable.js"
import { peerTable } from "./peers.js"
import * as Stage from "./stage.js"
import { appTable, grantTable, plain } from "./table.js"
import { toolTable } from "./tools.js"

const { values } = parseArgs({ options: { markdown: { type: "boolean" }, peers: { type: "boolean" } } })

const findings = await Effect.runPromise(Effect.provide(measureFindings, Stage.layer()))
if (values.markdown) process.stdout.write(document(findings))
else {
  const { identities, lines, tools } = findings
  console.log(`effect-entra, client credentials (time on the virtual clock)\n\n${plain(appTable(lines))}\n`)
  console.log(`effect-entra, every other grant (outcome, requests)\n\n${plain(grantTable(lines))}\n`)
  console.log(`Managed identities (outcome, requests)\n\n${plain(identityTable(identities))}\n`)
  console.log(`Developers' tools (the error's reason)\n\n${plain(toolTable(tools))}`)
}

if (values.peers) {
  console.error("\nPeers over TLS, in real time; this takes some minutes ...")
  const table = await Effect.runPromise(peerTable)
  console.log(`\nPeers, client credentials (outcome, requests, seconds when 0.3 or more)\n\n${plain(table)}`)
  // Clients that still wait would keep the process.
  process.exit()
}
