export function ensureDashboard(root: string, node: string): Promise<void>
export function firstLoad(root: string): Map<string, number>
