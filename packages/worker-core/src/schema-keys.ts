/** Wrappers nest a few levels in practice; a recursive `lazy` schema would nest for ever. */
const MAX_WRAPPERS = 32;

/** The part of a zod schema's definition that says what it is made of. Other vendors have none of it. */
interface Definition {
  readonly type?: unknown;
  readonly innerType?: unknown;
  readonly in?: unknown;
  readonly options?: unknown;
  readonly left?: unknown;
  readonly right?: unknown;
  readonly getter?: unknown;
  readonly valueType?: unknown;
  readonly element?: unknown;
  readonly items?: unknown;
  readonly rest?: unknown;
}

/**
 * Names of the options that a schema knows at a path, for "did you mean".
 *
 * Reads zod 4 schemas (`zod` and `zod/mini`) by their shape, so that zod itself is not needed; looks
 * through optional, default, nullable, readonly, pipe, lazy, union and intersection, and into records,
 * arrays and tuples.
 *
 * @param schema - any schema
 * @param path - keys and indexes from the schema's root; empty for the root itself
 * @returns the names in the order of their definition; none for a schema of another vendor
 */
export function schemaKeys(schema: unknown, path: readonly PropertyKey[]): readonly string[] {
  let nodes = unwrap(schema, MAX_WRAPPERS);
  for (const segment of path) {
    nodes = nodes
      .flatMap((node) => childrenOf(node, segment))
      .flatMap((child) => unwrap(child, MAX_WRAPPERS));
  }
  return [...new Set(nodes.flatMap((node) => Object.keys(shapeOf(node) ?? {})))];
}

/** The schemas behind wrappers: one for most, several for unions and intersections. */
function unwrap(schema: unknown, left: number): unknown[] {
  const definition = definitionOf(schema);
  if (definition === undefined || left === 0) return [];
  const inner = innerOf(definition);
  return inner.length === 0 ? [schema] : inner.flatMap((each) => unwrap(each, left - 1));
}

function innerOf(definition: Definition): readonly unknown[] {
  if (definition.innerType !== undefined) return [definition.innerType];
  if (definition.type === "pipe") return [definition.in];
  if (definition.type === "union" && Array.isArray(definition.options)) return definition.options;
  if (definition.type === "intersection") return [definition.left, definition.right];
  if (typeof definition.getter === "function") return [definition.getter()];
  return [];
}

function childrenOf(schema: unknown, segment: PropertyKey): readonly unknown[] {
  const shape = shapeOf(schema);
  if (shape !== undefined) return Object.hasOwn(shape, segment) ? [shape[segment]] : [];
  const definition = definitionOf(schema) ?? {};
  if (Array.isArray(definition.items))
    return [definition.items[Number(segment)] ?? definition.rest];
  return [definition.valueType, definition.element];
}

function shapeOf(schema: unknown): Record<PropertyKey, unknown> | undefined {
  const definition = definitionOf(schema) as { shape?: unknown } | undefined;
  const shape = definition?.shape;
  return typeof shape === "object" && shape !== null
    ? (shape as Record<PropertyKey, unknown>)
    : undefined;
}

function definitionOf(schema: unknown): Definition | undefined {
  const definition: unknown = (schema as { _zod?: { def?: unknown } } | null | undefined)?._zod
    ?.def;
  return typeof definition === "object" && definition !== null ? definition : undefined;
}
