import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { EntraEmulator } from "../../src/emulator/EntraEmulator.js"
import { defaults } from "../support/emulated.js"
import { callerToken } from "../support/people.js"
import {
  alice,
  appMsal,
  asking,
  bob,
  Origin,
  publicCloud,
  signInMsal,
  signInOurs,
  silentlyMsal
} from "./msalCacheFormatClients.js"
import { sharedFile } from "./msalCacheFormatFiles.js"

const inAnHour = () => String(Math.floor(Date.now() / 1000) + 3600)
const environment = "login.windows.net"
const zoe = `99999999-0000-4000-8000-000000000000.${defaults.tenantId}`
const [uid = "", realm = ""] = zoe.split(".")

const account = {
  home_account_id: zoe,
  environment,
  realm,
  local_account_id: uid,
  username: "zoe@contoso.onmicrosoft.com",
  authority_type: "MSSTS"
}

const token = {
  home_account_id: zoe,
  environment,
  credential_type: "AccessToken",
  client_id: "another-client",
  secret: "of another client",
  realm,
  target: defaults.apiScope,
  cached_at: "1700000000",
  expires_on: inAnHour(),
  extended_expires_on: inAnHour(),
  token_type: "Bearer"
}

/** What others have put there: other clients, other clouds, other schemes, other libraries, and nobody knows who. */
const others = {
  Account: {
    [`${zoe}-${environment}-${realm}`]: {
      ...account,
      wam_account_ids: { "another-client": "1" },
      a_field_of_tomorrow: [1, { two: null }]
    },
    [`${zoe}-login.microsoftonline.us-${realm}`]: { ...account, environment: "login.microsoftonline.us" }
  },
  IdToken: {
    [`${zoe}-${environment}-idtoken-another-client-${realm}---`]: {
      home_account_id: zoe,
      environment,
      credential_type: "IdToken",
      client_id: "another-client",
      secret: "e30.e30.e30",
      realm
    }
  },
  AccessToken: {
    [`${zoe}-${environment}-accesstoken-another-client-${realm}-${defaults.apiScope}--`]: token,
    [`${zoe}-login.microsoftonline.us-accesstoken-${defaults.clientId}-${realm}-${defaults.apiScope}--`]: {
      ...token,
      client_id: defaults.clientId,
      environment: "login.microsoftonline.us"
    },
    [`${zoe}-${environment}-accesstoken_with_authscheme-${defaults.clientId}-${realm}-${defaults.apiUserScope}--pop`]: {
      ...token,
      credential_type: "AccessToken_With_AuthScheme",
      client_id: defaults.clientId,
      target: defaults.apiUserScope,
      token_type: "pop",
      key_id: "the key"
    }
  },
  RefreshToken: {
    [`${zoe}-${environment}-refreshtoken-another-client----`]: {
      home_account_id: zoe,
      environment,
      credential_type: "RefreshToken",
      client_id: "another-client",
      secret: "a refresh token of another client",
      last_modification_time: "1700000000"
    },
    [`${zoe}-${environment}-refreshtoken-1----`]: {
      home_account_id: zoe,
      environment,
      credential_type: "RefreshToken",
      client_id: "another-client",
      family_id: "1",
      secret: "a refresh token of a family"
    }
  },
  AppMetadata: {
    [`appmetadata-${environment}-another-client`]: { client_id: "another-client", environment, family_id: "1" }
  },
  WamAccounts: { "another-client": ["an account of Windows"] },
  version: 3,
  nothing: null
}

/** Nothing of it is gone or changed. */
const survives = (text: string): void => {
  const { nothing, version, ...sections } = others
  const now: Readonly<Record<string, unknown>> = JSON.parse(text)
  for (const [section, entities] of Object.entries(sections))
    assert.deepInclude(Object(now[section]), { ...entities }, section)
  assert.deepStrictEqual([now.nothing, now.version], [nothing, version])
}

const silent = (homeAccountId: string) => ({ account: { homeAccountId }, scopes: defaults.apiUserScope })

describe("what others keep in the document survives", () => {
  it.scopedLive("all that we do", () =>
    Effect.gen(function* () {
      const { ours, put, text } = yield* sharedFile
      const document = JSON.stringify(others)
      yield* put(document)
      const client = yield* ours()
      assert.deepStrictEqual(
        (yield* client.getAccounts({ session: "" })).map(({ homeAccountId }) => homeAccountId),
        [zoe]
      )
      assert.strictEqual(yield* text, document)
      const token = yield* client.acquireTokenByClientCredential({ scopes: defaults.apiScope })
      yield* client.app.forScopes(defaults.apiScope).getToken({ rejected: token })
      yield* signInOurs(client)
      yield* signInOurs(client, { username: defaults.secondUsername })
      const assertion = yield* callerToken({ origin: yield* Origin })
      yield* client.acquireTokenOnBehalfOf({ assertion, scopes: defaults.apiUserScope })
      survives(yield* text)
      yield* client.acquireTokenSilent({ ...silent(alice), forceRefresh: true })
      yield* (yield* EntraEmulator).revoke(defaults.username)
      yield* Effect.flip(client.acquireTokenSilent({ ...silent(alice), forceRefresh: true }))
      yield* client.removeTokensForClient
      yield* client.removeAccount({ account: { homeAccountId: bob } })
      survives(yield* text)
    }).pipe(Effect.provide(publicCloud()))
  )

  it.scopedLive("all that msal-node and we do to one file", () =>
    Effect.gen(function* () {
      const { msal, ours, put, text } = yield* sharedFile
      yield* put(JSON.stringify(others))
      const client = yield* ours()
      const node = yield* msal()
      yield* signInMsal(node)
      yield* client.acquireTokenByClientCredential({ scopes: defaults.apiScope })
      yield* appMsal(node, defaults.otherApiScope)
      yield* silentlyMsal(node, alice, defaults.otherApiUserScope)
      yield* client.acquireTokenSilent({ ...silent(alice), forceRefresh: true })
      yield* client.removeAccount({ account: { homeAccountId: alice } })
      survives(yield* text)
    }).pipe(Effect.provide(publicCloud()))
  )

  it.scopedLive("and none of it serves us, nor msal-node", () =>
    Effect.gen(function* () {
      const { msal, ours, put } = yield* sharedFile
      yield* put(JSON.stringify(others))
      const client = yield* ours()
      const node = yield* msal()
      assert.lengthOf((yield* asking(client.acquireTokenByClientCredential({ scopes: defaults.apiScope }))).sent, 1)
      const { sent, value } = yield* asking(Effect.flip(client.acquireTokenSilent(silent(zoe))))
      assert.deepInclude(value, { _tag: "InteractionRequired" })
      assert.lengthOf(sent, 0)
      assert.lengthOf((yield* asking(appMsal(node, defaults.otherApiScope))).sent, 1)
    }).pipe(Effect.provide(publicCloud()))
  )
})
