/**
 * Images, where a box that is led here instead of to their makers looks for them: a listing of their sums, in which the one
 * that its profile is assigned is the latest, and the files. Its page fails at a listing in which nothing is the latest:
 * where there is nothing to offer, each box reads that its own is.
 */
import { IMAGE_LATEST, imageFileName, imageSums, noNewImageSums } from '@updraft/wire/odoo-iot'
import type { BoxImage, DeviceDesk } from '../../app/device-desk.ts'

interface NamedImage extends BoxImage {
  readonly fileName: string
}

/** Each name once, what is meant for the profile last. */
function named(images: readonly BoxImage[]): readonly NamedImage[] {
  const byName = new Map<string, NamedImage>()
  const inOrder = images.toSorted((a, b) => Number(a.isMeant) - Number(b.isMeant))
  for (const image of inOrder) {
    const fileName = imageFileName(image.version)
    if (fileName === null) continue
    byName.delete(fileName)
    byName.set(fileName, { ...image, fileName })
  }
  return [...byName.values()]
}

export async function imageListing(
  desk: Pick<DeviceDesk, 'sha1Soon'>,
  images: readonly BoxImage[],
): Promise<string> {
  const all = named(images)
  if (!all.at(-1)?.isMeant) return noNewImageSums()
  const sums = await Promise.all(
    all.map(async (image) => ({ sha1: await desk.sha1Soon(image), fileName: image.fileName })),
  )
  // A large image is read through for the first time meanwhile: who asks next finds it done.
  const known = sums.flatMap(({ sha1, fileName }) => (sha1 === null ? [] : [{ sha1, fileName }]))
  const latest = sums.at(-1)?.sha1
  return latest ? imageSums(latest, known) : noNewImageSums()
}

/** The image of that name; null when there is none. */
export function imageNamed(images: readonly BoxImage[], fileName: string): BoxImage | null {
  const all = named(images)
  const found =
    fileName === IMAGE_LATEST
      ? all.find(({ isMeant }) => isMeant)
      : all.find((image) => image.fileName === fileName)
  return found ?? null
}
