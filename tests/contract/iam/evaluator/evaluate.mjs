// Decides IAM requests: {policies, simulations} as JSON, a line on stdin; a JSON array of verdicts, a line on stdout. A
// simulation names its policies by their place in `policies`, so that each is parsed and validated once a line. A
// verdict is Allowed, ImplicitlyDenied, ExplicitlyDenied, or {error}: a request that the service could never see
// (no such action, an ARN of another type, a context key that the action doesn't carry) must not count as a denial.
import { registerHooks } from 'node:module'
import { createInterface } from 'node:readline'
import { createValidatedPolicy, validateIdentityPolicy, validateResourcePolicy } from '@cloud-copilot/iam-policy'

const remembering = import.meta.resolve('./resource_types.mjs')
let remembers = false
registerHooks({
  resolve(specifier, context, next) {
    const module = next(specifier, context)
    const original = module.url.endsWith('/iam-simulate/dist/esm/simulation_engine/resourceTypes.js')
    if (!original || context.parentURL === remembering) return module
    remembers = true
    return { ...module, url: remembering }
  },
})
const { runSimulation } = await import('@cloud-copilot/iam-simulate')
if (!remembers) throw new Error('iam-simulate has no simulation_engine/resourceTypes.js; see resource_types.mjs')

const none = { serviceControlPolicies: [], resourceControlPolicies: [] }

// It drops kms:EncryptionContext:<key> from every request, so that a condition on it could never hold. A request tag is
// a key with a free last part that it keeps, and that nothing here uses; it is renamed in the policies as well.
const readable = (line) => JSON.parse(line.replaceAll(/"kms:EncryptionContext:/gi, '"aws:RequestTag/'))

// What validates a policy depends on what it is attached to; the same document may be both.
function reader(documents, validate) {
  const read = new Map()
  return (place) => {
    if (!read.has(place)) read.set(place, createValidatedPolicy(documents[place], validate))
    return read.get(place)
  }
}

async function decide({ request, identity, onResource, boundary }, ofPrincipal, ofResource) {
  const simulation = { ...none, request, identityPolicies: [] }
  if (identity !== undefined) simulation.identityPolicies = [{ name: 'identity', policy: ofPrincipal(identity) }]
  if (onResource !== undefined) simulation.resourcePolicy = ofResource(onResource)
  if (boundary !== undefined) {
    simulation.permissionBoundaryPolicies = [{ name: 'boundary', policy: ofPrincipal(boundary) }]
  }
  const answer = await runSimulation(simulation, {})
  if (answer.resultType === 'error') return { error: JSON.stringify(answer.errors) }
  if (answer.resultType === 'wildcard') return { error: 'the resource holds a *; name one resource' }
  const ignored = answer.result.ignoredContextKeys ?? []
  if (ignored.length) return { error: `${request.action} carries no ${ignored.join(', ')}` }
  return answer.overallResult
}

for await (const line of createInterface({ input: process.stdin })) {
  const { policies, simulations } = readable(line)
  const ofPrincipal = reader(policies, validateIdentityPolicy)
  const ofResource = reader(policies, validateResourcePolicy)
  const verdicts = []
  for (const simulation of simulations) {
    try {
      verdicts.push(await decide(simulation, ofPrincipal, ofResource))
    } catch (error) {
      verdicts.push({ error: String(error) })
    }
  }
  console.log(JSON.stringify(verdicts))
}
