/** The part of the inspector's script that shows the directory, and the buttons beside who is in it. */
export const directoryScript: string = `
const button = (key, label, about, press, pressed) => {
  const node = el("button", { type: "button", "data-key": key, "aria-label": label + ": " + about,
    "aria-pressed": pressed === undefined ? undefined : String(pressed) }, label)
  node.addEventListener("click", press)
  return node
}
const tag = (text, is) => el("span", { class: "tag " + (is || "") }, text)
const facts = (pairs) => el("dl", {}, pairs.filter(([, value]) => value !== undefined && value !== "" && value !== 0)
  .map(([name, value]) => [el("dt", {}, name), el("dd", { class: "mono" }, value)]))
const granted = (roles) => Object.entries(roles).map(([api, names]) => api + ": " + names.join(", ")).join("; ")
// Open or closed as it was before a change, by its key.
const panel = (key, title, isOpen, children, kind) => {
  const before = document.querySelector("#directory details[data-key=" + CSS.escape(plain(key)) + "]")
  return el("details", { class: kind || "card", "data-key": key, open: before ? before.open : isOpen },
    el("summary", {}, title), children)
}
const details = (key, name, children) => {
  const node = panel("details " + key, "Details", false, children, "details")
  node.firstChild.setAttribute("aria-label", "Details: " + plain(name))
  return node
}
const userNode = (tenant, user) => {
  const { username, disabled, demandsMfa } = user
  const key = (name) => [name, tenant.id, username].join(" ")
  return el("div", { class: "thing" },
    el("div", { class: "row" }, el("span", { class: "name", dir: "auto" }, user.name),
      disabled ? tag("disabled", "bad") : undefined,
      demandsMfa ? tag("MFA", "warn") : undefined,
      user.homeTenantId && user.homeTenantId !== tenant.id ? tag("guest") : undefined),
    el("p", { class: "mono soft" }, username),
    el("div", { class: "row" },
      button(key("revoke"), "Revoke", username,
        () => act("revoke", { username }, "Revoked: every session and token of " + username + ".")),
      button(key("mfa"), "Demand MFA", username, () => act("demand-mfa", { of: username, demanded: !demandsMfa },
        (demandsMfa ? "No MFA is demanded of " : "MFA is demanded of ") + username + "."), demandsMfa),
      button(key("disable"), disabled ? "Enable" : "Disable", username,
        () => act(disabled ? "enable" : "disable", { username },
          (disabled ? "Enabled: " : "Disabled: ") + username + "."))),
    details(key("user"), username, facts([["object", user.objectId], ["address", user.address],
      ["password", user.hasPassword ? "wanted" : "none"], ["at home in", user.homeTenantId || tenant.id]])))
}
const apiNode = (tenant, api) => {
  const { appId, demandsMfa, identifierUri } = api
  const key = (name) => [name, tenant.id, appId].join(" ")
  return el("div", { class: "thing" },
    el("div", { class: "row" }, el("span", { class: "name" }, identifierUri), api.cae ? tag("CAE") : undefined,
      demandsMfa ? tag("MFA", "warn") : undefined),
    el("p", { class: "mono soft" }, api.scopes.join(", ")),
    el("div", { class: "row" }, button(key("mfa"), "Demand MFA", identifierUri,
      () => act("demand-mfa", { of: appId, demanded: !demandsMfa },
        (demandsMfa ? "No MFA is demanded for " : "MFA is demanded for ") + identifierUri + "."), demandsMfa)),
    details(key("api"), identifierUri, facts([["app id", appId], ["policies", api.policies || "none"]])))
}
const consentNode = (tenant, app, { api, names }) => el("div", { class: "consent" },
  el("p", { class: "mono soft" }, api + ": " + names.join(", ")),
  button(["consent", tenant.id, app.clientId, api].join(" "), "Withdraw consent", app.name + ", " + api,
    () => act("withdraw-consent", { clientId: app.clientId, api }, "Consent withdrawn: " + app.name + ", " + api + ".")))
const appNode = (tenant, app) => {
  const key = ["app", tenant.id, app.clientId].join(" ")
  const consents = app.consents.length === 1 ? "1 consent" : app.consents.length + " consents"
  return el("div", { class: "thing" },
    el("div", { class: "row" }, el("span", { class: "name", dir: "auto" }, app.name),
      tag(app.isPublic ? "public" : "confidential")),
    el("p", { class: "mono soft" }, app.clientId),
    panel("consents " + key, consents, false, app.consents.map((consent) => consentNode(tenant, app, consent)), "details"),
    details(key, app.name, facts([["object", app.objectId], ["redirects", app.redirectUris.join(", ")],
      ["roles", granted(app.roles)], ["secrets", app.secrets], ["certificates", app.certificates],
      ["federated", app.federatedCredentials.map(({ issuer, subject }) => issuer + ", " + subject).join("; ")]])))
}
const group = (title, nodes) => nodes.length === 0 ? [] : [el("h4", {}, title), ...nodes]
const titleOf = ({ domains, kind }) => [domains[0], kind].filter(Boolean).join(", ")
const tenantNode = (tenant, isFirst) => panel("tenant " + tenant.id, titleOf(tenant), isFirst, [
  facts([["tenant", tenant.id], ["user flows", tenant.userFlows.join(", ")]]),
  group("Users", tenant.users.map((user) => userNode(tenant, user))),
  group("APIs", tenant.apis.map((api) => apiNode(tenant, api))),
  group("Applications", tenant.apps.map((app) => appNode(tenant, app)))])
const identityNode = (identity, isSystem) => {
  const name = identity.resourceId.split("/").pop()
  return el("div", { class: "thing" },
    el("div", { class: "row" }, el("span", { class: "name" }, name), tag(isSystem ? "system-assigned" : "user-assigned")),
    el("p", { class: "mono soft" }, identity.clientId),
    details("identity " + identity.clientId, name, facts([["object", identity.objectId], ["tenant", identity.tenantId],
      ["roles", granted(identity.roles)], ["resource", identity.resourceId]])))
}
let shownDirectory
const showDirectory = ({ tenants, machine, signedIn }) => {
  const now = JSON.stringify([tenants, machine, signedIn])
  if (now === shownDirectory) return
  shownDirectory = now
  const focused = document.activeElement && document.activeElement.closest("#directory [data-key]")
  $("directory").replaceChildren(
    ...(signedIn ? [el("p", { class: "card" }, "At every browser: " + signedIn)] : []),
    ...tenants.map((tenant, index) => tenantNode(tenant, index === 0)),
    ...(machine ? [panel("machine", "Managed identities", false,
      machine.identities.map((identity, index) => identityNode(identity, machine.hasSystemAssigned && index === 0)))] : []))
  if (!focused) return
  const { key } = focused.dataset
  const again = [...document.querySelectorAll("#directory [data-key]")].find(({ dataset }) => dataset.key === key)
  if (again) (again.querySelector(":scope > summary") || again).focus()
}
`
