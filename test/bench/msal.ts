import { ConfidentialClientApplication, type INetworkModule } from "@azure/msal-node"

const tenantId = "aaaabbbb-0000-cccc-1111-dddd2222eeee"

/** A network in which every token request succeeds at once. */
const network: INetworkModule = {
  sendGetRequestAsync: () => Promise.reject(new Error("nothing is to be discovered")),
  sendPostRequestAsync: <T>() =>
    Promise.resolve({
      headers: {},
      status: 200,
      body: { token_type: "Bearer", expires_in: 3599, ext_expires_in: 3599, access_token: "x".repeat(1500) } as T
    })
}

export const scopeOf = (index: number): string => `api://resource-${index}/.default`

/** msal-node with as many app tokens in its cache. */
export const filledMsal = async (entries: number): Promise<() => Promise<unknown>> => {
  const client = new ConfidentialClientApplication({
    auth: {
      clientId: "00001111-aaaa-2222-bbbb-3333cccc4444",
      clientSecret: "secret",
      authority: `https://login.microsoftonline.com/${tenantId}`
    },
    system: { networkClient: network }
  })
  for (let index = 0; index < entries; index++)
    await client.acquireTokenByClientCredential({ scopes: [scopeOf(index)] })
  const request = { scopes: [scopeOf(0)] }
  return () => client.acquireTokenByClientCredential(request)
}
