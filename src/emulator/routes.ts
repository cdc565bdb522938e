/**
 * Which path is answered by what: Entra, a user flow of Azure AD B2C, AD FS, the protected API, and the endpoints for
 * managed identities.
 */
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as Effect from "effect/Effect"
import * as Adfs from "./adfs.js"
import * as AppService from "./appService.js"
import * as Authorize from "./authorize.js"
import * as AzureArc from "./azureArc.js"
import * as B2c from "./b2c.js"
import * as CloudShell from "./cloudShell.js"
import * as DeviceCode from "./deviceCode.js"
import * as DeviceLogin from "./deviceLogin.js"
import * as Entra from "./entra.js"
import { paths } from "./identityEnvironment.js"
import * as Imds from "./imds.js"
import * as ManagedIdentity from "./managedIdentity.js"
import * as Metadata from "./metadata.js"
import * as ProtectedApi from "./protectedApi.js"
import type { Authority } from "./realm.js"
import * as ServiceFabric from "./serviceFabric.js"
import * as TokenEndpoint from "./tokenEndpoint.js"
import type { World } from "./world.js"

const named = (name: string) => Effect.map(HttpRouter.params, (params) => params[name] ?? "")

const deviceRoutes =
  (world: World) =>
  <E, R>(router: HttpRouter.HttpRouter<E, R>) => {
    const code = (authority: Authority) => DeviceCode.answer(world, authority)
    return router.pipe(
      HttpRouter.get(DeviceCode.loginPath, DeviceLogin.answer(world)),
      HttpRouter.post(DeviceCode.loginPath, DeviceLogin.answer(world)),
      HttpRouter.all("/adfs/oauth2/devicecode", code(Adfs.authority(world))),
      HttpRouter.all(
        "/:tenant/oauth2/v2.0/devicecode",
        Effect.flatMap(named("tenant"), (name) => code(Entra.authority(world, name)))
      )
    )
  }

/** The three endpoints below a path that people and programs are sent to. */
const endpoints =
  (world: World, path: `/${string}`, authority: Effect.Effect<Authority, never, HttpRouter.RouteContext>) =>
  <E, R>(router: HttpRouter.HttpRouter<E, R>) => {
    const authorize = Effect.flatMap(authority, (it) => Authorize.answer(world, it))
    const logout = Effect.flatMap(authority, (it) => Authorize.signOut(world, it))
    const token = Effect.flatMap(authority, (it) => TokenEndpoint.answer(world, it))
    return router.pipe(
      HttpRouter.get(`${path}/authorize`, authorize),
      HttpRouter.post(`${path}/authorize`, authorize),
      HttpRouter.get(`${path}/logout`, logout),
      HttpRouter.post(`${path}/logout`, logout),
      HttpRouter.all(`${path}/token`, token)
    )
  }

const entraRoutes = (world: World) => {
  const tenant = named("tenant")
  return HttpRouter.empty.pipe(
    HttpRouter.get("/common/discovery/instance", Metadata.instanceDiscovery(world)),
    HttpRouter.get(
      "/:tenant/v2.0/.well-known/openid-configuration",
      Effect.flatMap(tenant, (name) => Metadata.openidConfiguration(world, name))
    ),
    HttpRouter.get(
      "/:tenant/.well-known/openid-configuration",
      Effect.flatMap(tenant, (name) => Metadata.openidConfigurationV1(world, name))
    ),
    HttpRouter.get(
      "/:tenant/discovery/v2.0/keys",
      Effect.flatMap(tenant, (name) => Metadata.keys(world, name))
    ),
    HttpRouter.get(
      "/:tenant/discovery/keys",
      Effect.flatMap(tenant, (name) => Metadata.plainKeys(world, Entra.authority(world, name)))
    ),
    endpoints(
      world,
      "/:tenant/oauth2/v2.0",
      Effect.map(tenant, (name) => Entra.authority(world, name))
    )
  )
}

const policyNamed = Effect.all([named("tenant"), named("policy")])

/** Below the tenant, or below `tfp` as older clients have it. */
const b2cRoutes =
  (world: World, prefix: "" | "/tfp") =>
  <E, R>(router: HttpRouter.HttpRouter<E, R>) => {
    const authority = Effect.map(policyNamed, ([tenant, policy]) => B2c.authority(world, tenant, policy))
    const configuration = Effect.flatMap(policyNamed, ([tenant, policy]) => {
      const path = `${prefix}/${tenant}/${policy}`.slice(1).toLowerCase()
      return Metadata.b2cConfiguration(world, B2c.authority(world, tenant, policy), path)
    })
    return router.pipe(
      HttpRouter.get(`${prefix}/:tenant/:policy/v2.0/.well-known/openid-configuration`, configuration),
      HttpRouter.get(
        `${prefix}/:tenant/:policy/discovery/v2.0/keys`,
        Effect.flatMap(authority, (it) => Metadata.plainKeys(world, it))
      ),
      endpoints(world, `${prefix}/:tenant/:policy/oauth2/v2.0`, authority)
    )
  }

const adfsRoutes =
  (world: World) =>
  <E, R>(router: HttpRouter.HttpRouter<E, R>) => {
    const authority = Adfs.authority(world)
    return router.pipe(
      HttpRouter.get("/adfs/.well-known/openid-configuration", Metadata.adfsConfiguration(world, authority)),
      HttpRouter.get("/adfs/discovery/keys", Metadata.plainKeys(world, authority)),
      endpoints(world, "/adfs/oauth2", Effect.succeed(authority))
    )
  }

const apiRoutes =
  (world: World) =>
  <E, R>(router: HttpRouter.HttpRouter<E, R>) => {
    const answer = Effect.flatMap(named("appId"), (appId) => ProtectedApi.answer(world, appId))
    return router.pipe(HttpRouter.all("/api/:appId", answer), HttpRouter.all("/api/:appId/*", answer))
  }

const identityRoutes =
  (world: World) =>
  <E, R>(router: HttpRouter.HttpRouter<E, R>) => {
    const token = (path: HttpRouter.PathInput, host: ManagedIdentity.Host) =>
      HttpRouter.all(path, ManagedIdentity.answer(world, host))
    return router.pipe(
      token(paths.imds, Imds.host),
      HttpRouter.all("/metadata/identity/*", Imds.unknownSource),
      HttpRouter.get("/metadata/instance/compute", Imds.compute(world)),
      HttpRouter.get("/metadata/instance/compute/location", Imds.location(world)),
      token(paths.appService, AppService.host(world)),
      token(paths.appServiceLegacy, AppService.legacyHost(world)),
      token(paths.azureMl, AppService.machineLearningHost(world)),
      token(paths.cloudShell, CloudShell.host),
      token(paths.azureArc, AzureArc.host(world)),
      token(paths.serviceFabric, ServiceFabric.host(world))
    )
  }

export const make = (world: World) =>
  entraRoutes(world).pipe(
    b2cRoutes(world, ""),
    b2cRoutes(world, "/tfp"),
    adfsRoutes(world),
    deviceRoutes(world),
    apiRoutes(world),
    identityRoutes(world)
  )
