import { ManagedIdentityCredential } from "@azure/identity"
import { ManagedIdentityApplication } from "@azure/msal-node"

/**
 * Acquires with a real client in a process of its own: MSAL keeps the source it has found, and its cache, for as long as
 * the process lives, and trusts other certificates only by an environment variable that is read at its start.
 */

/** By one of its names; by none, the machine's own. */
export interface Identity {
  readonly clientId?: string
  readonly objectId?: string
  readonly resourceId?: string
}

/** What to do: in `steps`, one acquisition each, for every identity. */
export interface Task {
  readonly client: "msal" | "identity"
  readonly resource: string
  readonly identities?: ReadonlyArray<Identity>
  readonly capabilities?: ReadonlyArray<string>
  readonly retries?: boolean
  readonly steps: ReadonlyArray<"get" | "claims">
}

/** What came of a step. */
export type Outcome =
  | { readonly token: string; readonly expiresOn: number; readonly fromCache: boolean | undefined }
  | { readonly failure: string; readonly code: string }

const msal = ({ capabilities, resource, retries = false }: Task, { clientId, objectId, resourceId }: Identity) => {
  const application = new ManagedIdentityApplication({
    ...(capabilities === undefined ? {} : { clientCapabilities: [...capabilities] }),
    managedIdentityIdParams: {
      ...(clientId === undefined ? {} : { userAssignedClientId: clientId }),
      ...(objectId === undefined ? {} : { userAssignedObjectId: objectId }),
      ...(resourceId === undefined ? {} : { userAssignedResourceId: resourceId })
    },
    system: { disableInternalRetries: !retries }
  })
  return async (step: Task["steps"][number]): Promise<Outcome> => {
    const claims = step === "claims" ? { claims: '{"access_token":{"nbf":{"essential":true,"value":"1"}}}' } : {}
    const result = await application.acquireToken({ resource, ...claims })
    return {
      token: result.accessToken,
      expiresOn: Math.floor((result.expiresOn?.getTime() ?? 0) / 1000),
      fromCache: result.fromCache
    }
  }
}

const azureIdentity = ({ resource, retries = false }: Task, { clientId, objectId, resourceId }: Identity) => {
  const options = { retryOptions: { maxRetries: retries ? 3 : 0 } }
  const named = clientId === undefined ? (objectId === undefined ? undefined : { objectId }) : { clientId }
  const credential =
    resourceId === undefined
      ? new ManagedIdentityCredential({ ...named, ...options })
      : new ManagedIdentityCredential({ resourceId, ...options })
  return async (): Promise<Outcome> => {
    const { token, expiresOnTimestamp } = await credential.getToken(`${resource}/.default`)
    return { token, expiresOn: Math.floor(expiresOnTimestamp / 1000), fromCache: undefined }
  }
}

const failed = (error: unknown): Outcome => ({
  failure: String(error),
  code: error instanceof Error && "errorCode" in error ? String(error.errorCode) : ""
})

const run = async (task: Task): Promise<ReadonlyArray<Outcome>> => {
  const outcomes: Array<Outcome> = []
  for (const identity of task.identities ?? [{}]) {
    const acquire = task.client === "msal" ? msal(task, identity) : azureIdentity(task, identity)
    for (const step of task.steps) outcomes.push(await acquire(step).catch(failed))
  }
  return outcomes
}

const task: Task = JSON.parse(process.argv[2] ?? "")
process.stdout.write(JSON.stringify(await run(task)))
