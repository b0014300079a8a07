// In place of iam-simulate's module: which types of resource an action and an ARN fit is asked twice in each request,
// takes two thirds of a decision, and is the same whatever the policies are.
import { getResourceTypesForAction as decided } from './node_modules/@cloud-copilot/iam-simulate/dist/esm/simulation_engine/resourceTypes.js'

const types = new Map()

export async function getResourceTypesForAction(service, action, resource) {
  const key = `${service}:${action} ${resource}`
  if (!types.has(key)) types.set(key, decided(service, action, resource))
  return [...(await types.get(key))]
}
