import { ConfidentialClientApplication, CryptoProvider } from "@azure/msal-node"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { defaults } from "../../src/emulator/EntraEmulator.js"
import { webApp } from "./processesApi.js"
import { obey, setting } from "./processesPort.js"

const host = setting("AUTHORITY_HOST")
const scopes = [defaults.middleTierScope]

/** As Microsoft's samples take it out of the header. */
const claimsIn = (header: string): string => atob(/claims="([^"]+)"/.exec(header)?.[1] ?? "")

obey(
  Effect.promise(async () => {
    const client = new ConfidentialClientApplication({
      auth: {
        clientId: webApp.clientId,
        clientSecret: Redacted.value(defaults.clientSecret),
        authority: `${host}/${defaults.tenantId}`,
        knownAuthorities: [new URL(host).host],
        clientCapabilities: ["cp1"]
      }
    })

    const signIn = async (claims?: string): Promise<string> => {
      const { challenge, verifier } = await new CryptoProvider().generatePkceCodes()
      const { redirectUri } = webApp
      const pkce = { codeChallenge: challenge, codeChallengeMethod: "S256" }
      const url = await client.getAuthCodeUrl({
        scopes,
        redirectUri,
        ...pkce,
        ...(claims === undefined ? {} : { claims })
      })
      const { headers } = await fetch(url, { redirect: "manual" })
      const code = new URL(headers.get("location") ?? "").searchParams.get("code") ?? ""
      const result = await client.acquireTokenByCode({ code, scopes, redirectUri, codeVerifier: verifier })
      return result.accessToken
    }

    let token = await signIn()
    const asked: Array<string> = []
    const send = () => fetch(`${setting("MIDDLE_TIER")}/tasks`, { headers: { authorization: `Bearer ${token}` } })

    const call = async (): Promise<string> => {
      const first = await send()
      if (first.status !== 401) return await first.text()
      const claims = claimsIn(first.headers.get("www-authenticate") ?? "")
      asked.push(claims)
      token = await signIn(claims)
      const second = await send()
      return await second.text()
    }

    return { call: () => Effect.promise(call), asked: () => Effect.sync(() => asked) }
  })
)
