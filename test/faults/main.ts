import { parseArgs } from "node:util"
import { Effect } from "effect"
import { peerTable } from "./peers.js"
import * as Stage from "./stage.js"
import { appTable, document, grantTable, measure, plain } from "./table.js"

const { values } = parseArgs({ options: { markdown: { type: "boolean" }, peers: { type: "boolean" } } })

const lines = await Effect.runPromise(Effect.provide(measure, Stage.layer()))
if (values.markdown) process.stdout.write(document(lines))
else {
  console.log(`effect-entra, client credentials (time on the virtual clock)\n\n${plain(appTable(lines))}\n`)
  console.log(`effect-entra, every other grant (outcome, requests)\n\n${plain(grantTable(lines))}`)
}

if (values.peers) {
  console.error("\nPeers over TLS, in real time; this takes some minutes ...")
  const table = await Effect.runPromise(peerTable)
  console.log(`\nPeers, client credentials (outcome, requests, seconds when 0.3 or more)\n\n${plain(table)}`)
  // Clients that still wait would keep the process.
  process.exit()
}
