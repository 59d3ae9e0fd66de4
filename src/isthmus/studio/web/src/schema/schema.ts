// The recipe's JSON Schema read for forms: which kinds there are, what a new section says, what a field takes.

import type { Json, Schema, Tree } from "../api/types";

export const resolve = (root: Schema, schema: Schema): Schema => {
  let found = schema;
  while (found.$ref) {
    const name = found.$ref.replace("#/$defs/", "");
    // Titles beside a reference belong to the field, not to the kind.
    found = { ...root.$defs![name]!, ...without(found, "$ref") };
  }
  if (found.allOf?.length === 1) return { ...resolve(root, found.allOf[0]!), ...without(found, "allOf") };
  return found;
};

function without(schema: Schema, key: keyof Schema): Schema {
  const copy = { ...schema };
  delete copy[key];
  return copy;
}

/** A section's members by kind, in the order of the union. */
function members(root: Schema, schema: Schema): [string, Schema][] {
  const union = resolve(root, schema);
  return (union.oneOf ?? [union]).map((each) => {
    const member = resolve(root, each);
    return [String(member.properties?.["kind"]?.const ?? ""), member];
  });
}

export const kindsOf = (root: Schema, section: string): string[] =>
  members(root, root.properties![section]!).map(([kind]) => kind);

export const sectionSchema = (root: Schema, section: string, kind: string): Schema =>
  memberOf(root, root.properties![section]!, kind);

export function memberOf(root: Schema, schema: Schema, kind: string): Schema {
  const found = members(root, schema);
  return (found.find(([each]) => each === kind) ?? found[0]!)[1];
}

export const isUnion = (root: Schema, schema: Schema): boolean => Boolean(resolve(root, schema).oneOf);
export const unionKinds = (root: Schema, schema: Schema): string[] => members(root, schema).map(([kind]) => kind);

/** A section with every field at its default; what has none is left out, for the person to say. */
export function blank(root: Schema, schema: Schema): Tree {
  const made: Tree = {};
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const inner = resolve(root, field);
    if (inner.const !== undefined) made[name] = inner.const;
    else if (inner.default !== undefined) made[name] = inner.default;
    else if (inner.oneOf) made[name] = blank(root, memberOf(root, inner, ""));
  }
  return made;
}

export type Control = "number" | "integer" | "flag" | "choice" | "text" | "list" | "optional" | "auto" | "section";

export interface FieldPlan {
  name: string;
  control: Control;
  title: string;
  help: string;
  least?: number;
  most?: number;
  /** Whether the ends themselves are allowed. */
  choices: string[];
  inner: Schema;
  whole: boolean;
}

/** What a field is edited with. */
export function planField(root: Schema, name: string, schema: Schema): FieldPlan {
  const field = resolve(root, schema);
  const base = {
    name,
    title: field.title ?? name,
    help: field.description ?? "",
    choices: [] as string[],
    inner: field,
    whole: false,
  };
  if (field.oneOf) return { ...base, control: "section" };
  if (field.anyOf) {
    const options = field.anyOf.map((each) => resolve(root, each));
    const real = options.filter((each) => each.type !== "null");
    const fixed = real.find((each) => each.const !== undefined || each.enum);
    const number = real.find((each) => each.type === "integer" || each.type === "number");
    if (fixed && number) return { ...base, ...ends(number), control: "auto", whole: true, choices: [String(fixed.const ?? fixed.enum![0])], inner: number };
    const inner = real[0] ?? field;
    return { ...base, ...ends(inner), control: "optional", inner, whole: inner.type === "integer" };
  }
  if (field.enum) return { ...base, control: "choice", choices: field.enum.map(String) };
  switch (field.type) {
    case "boolean":
      return { ...base, control: "flag" };
    case "integer":
    case "number":
      return { ...base, ...ends(field), control: field.type, whole: field.type === "integer" };
    case "array":
      return { ...base, control: "list", inner: resolve(root, field.items ?? {}) };
    default:
      return { ...base, control: "text" };
  }
}

function ends(schema: Schema): { least?: number; most?: number } {
  return { least: schema.minimum ?? schema.exclusiveMinimum, most: schema.maximum ?? schema.exclusiveMaximum };
}

/** The fields of a section that a person can set, in the schema's order. */
export const fieldsOf = (root: Schema, section: Schema): FieldPlan[] =>
  Object.entries(section.properties ?? {})
    .filter(([name, field]) => name !== "kind" || resolve(root, field).const === undefined)
    .map(([name, field]) => planField(root, name, field));

/** Numbers or words of a list as a person types them; null if one is not what the list takes. */
export function readList(text: string, inner: Schema): Json[] | null {
  const parts = text.split(/[\s,;]+/).filter(Boolean);
  if (inner.type !== "integer" && inner.type !== "number") return parts;
  const numbers = parts.map(Number);
  return numbers.every((v) => Number.isFinite(v) && (inner.type !== "integer" || Number.isInteger(v))) ? numbers : null;
}
