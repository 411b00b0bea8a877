// What the tests need from outside of npm, as one table. Tools come from Debian's packages, by apt
// when we may; files are taken out of packages without installing them; Python clients get an
// environment of their own.

import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const call = promisify(execFile)

/**
 * `apt`: a command, and the Debian package that brings it.
 * `deb-file`: files out of a Debian package, unpacked under `.tools`; `files` are where they lie in it.
 * `pip`: a client from PyPI and what it needs, in a Python environment under `.tools`.
 */
const SERVICES = [
  { kind: 'apt', command: 'curl', package: 'curl' },
  { kind: 'apt', command: 'coap-client-notls', package: 'libcoap3-bin' },
  { kind: 'apt', command: 'python3', package: 'python3-venv' },
  { kind: 'apt', command: 'mosquitto_rr', package: 'mosquitto-clients' },
  { kind: 'apt', command: 'openssl', package: 'openssl' },
  { kind: 'apt', command: 'chromium', package: 'chromium' },
  { kind: 'apt', command: 'swupdate', package: 'swupdate' },
  { kind: 'apt', command: 'rauc', package: 'rauc' },
  { kind: 'apt', command: 'mksquashfs', package: 'squashfs-tools' },
  { kind: 'apt', command: 'dbus-daemon', package: 'dbus' },
  { kind: 'apt', command: 'fw_setenv', package: 'libubootenv-tool' },
  { kind: 'apt', command: 'grub-editenv', package: 'grub-common' },
  { kind: 'deb-file', package: 'seabios', files: ['usr/share/seabios/bios-256k.bin'] },
  {
    kind: 'deb-file',
    package: 'u-boot-rpi:arm64',
    files: [
      'usr/lib/u-boot/rpi_3/u-boot.bin',
      'usr/lib/u-boot/rpi_4/u-boot.bin',
      'usr/lib/u-boot/rpi_arm64/u-boot.bin',
    ],
  },
  {
    kind: 'deb-file',
    package: 'python3-paho-mqtt',
    files: ['usr/lib/python3/dist-packages/paho/mqtt/client.py'],
  },
  // It would fetch mmh3 by itself when it is first imported.
  { kind: 'pip', package: 'tb-mqtt-client', version: '1.13.13', besides: ['mmh3==5.3.1'] },
  { kind: 'pip', package: 'aiocoap', version: '0.4.17', besides: [] },
  {
    kind: 'pip',
    package: 'astarte-device-sdk',
    version: '0.14.0',
    besides: [
      'astarte-message-hub-proto==0.7.0',
      'bson==0.5.10',
      'cryptography==50.0.2',
      'paho-mqtt==2.2.0',
      'PyJWT==2.15.1',
      'requests==2.34.2',
    ],
  },
  // A server that speaks S3; of what it could do besides, only what that needs.
  {
    kind: 'pip',
    package: 'moto',
    version: '5.2.5',
    besides: ['flask==3.1.3', 'flask-cors==6.0.5', 'py-partiql-parser==0.6.3', 'PyYAML==6.0.3'],
  },
]

/** Gets what is missing, with a line for each thing it got or could not get. Never throws. */
export async function ensureServices() {
  const missing = SERVICES.filter((service) => !isThere(service))
  const tools = missing.filter((service) => service.kind === 'apt')
  if (tools.length > 0) await installTools(tools)
  const files = missing.filter((service) => service.kind === 'deb-file')
  if (files.length > 0) await fetchFiles(files)
  for (const client of missing.filter(({ kind }) => kind === 'pip')) await makeEnvironment(client)
}

/** Real firmware to update devices with, by its path; undefined where it cannot be had. */
export async function firmwareFiles() {
  const [seabios, ubootRpi] = await filesFrom('seabios', 'u-boot-rpi:arm64')
  return seabios && ubootRpi && { seabios: seabios[0], ubootRpi }
}

/** Debian's own paho, as the folder that Python looks for it in; undefined where it cannot be had. */
export async function pahoFolder() {
  const [files] = await filesFrom('python3-paho-mqtt')
  return files && hasCommand('python3') ? join(dirname(files[0]), '../..') : undefined
}

/** The Python that has that package from PyPI, by its path; undefined where it cannot be had. */
export async function pythonWith(name) {
  const client = SERVICES.find((service) => service.kind === 'pip' && service.package === name)
  if (!isThere(client)) await makeEnvironment(client)
  return isThere(client) ? pythonOf(client) : undefined
}

/** The files of each of those packages, by their paths; undefined for one that cannot be had. */
async function filesFrom(...packages) {
  const wanted = packages.map((name) => SERVICES.find((service) => service.package === name))
  const missing = wanted.filter((service) => !isThere(service))
  if (missing.length > 0) await fetchFiles(missing)
  return wanted.map((service) => (isThere(service) ? pathsOf(service) : undefined))
}

/** Where a command lies on the PATH; undefined where there is none. */
export function pathOf(command) {
  const places = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, command))
  return places.find((place) => {
    try {
      accessSync(place, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** The path of a command of the table above, got first where it is missing; undefined where it cannot be had. */
export async function commandOf(command) {
  const tool = SERVICES.find((service) => service.command === command)
  if (!isThere(tool)) await installTools([tool])
  return pathOf(command)
}

export const hasCommand = (command) => pathOf(command) !== undefined

function isThere(service) {
  if (service.kind === 'apt') return hasCommand(service.command)
  if (service.kind === 'pip') return existsSync(pythonOf(service))
  return pathsOf(service).every((path) => existsSync(path))
}

const folderOf = (service) => join(root, '.tools', service.package.replace(':', '-'))
const environmentOf = ({ package: name, version }) => join(root, '.tools', `pip-${name}-${version}`)
const pythonOf = (client) => join(environmentOf(client), 'bin', 'python')
const pathsOf = (service) => service.files.map((file) => join(folderOf(service), file))

async function installTools(tools) {
  const packages = tools.map((tool) => tool.package)
  const isRoot = process.getuid?.() === 0
  if (!isRoot || !hasCommand('apt-get')) {
    say(`Missing: ${tools.map((tool) => tool.command).join(', ')}. The tests that need it skip.`)
    say(`On Debian: sudo apt-get install ${packages.join(' ')}`)
    return
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  try {
    await call('apt-get', ['update', '-qq'], { env })
    await call('apt-get', ['install', '-qq', '-y', '--no-install-recommends', ...packages], { env })
    say(`Installed: ${packages.join(', ')}`)
  } catch (error) {
    say(`Not installable: ${packages.join(', ')}. ${reasonOf(error)}`)
  }
}

/**
 * Downloads and unpacks packages, as any user: the package lists are our own, so that nothing of the
 * system is touched and files for another architecture can be had.
 */
async function fetchFiles(services) {
  const names = services.map((service) => service.package)
  if (!hasCommand('apt-get') || !hasCommand('dpkg-deb')) {
    say(`Not obtainable: ${names.join(', ')}, files of Debian packages, which needs apt-get here.`)
    return
  }
  const work = join(root, '.tools', `apt-${process.pid}`)
  try {
    for (const folder of ['lists/partial', 'cache/archives/partial']) {
      await mkdir(join(work, folder), { recursive: true })
    }
    const { stdout } = await call('dpkg', ['--print-architecture'])
    const apt = (...args) =>
      call('apt-get', [...aptOptions(work, stdout.trim()), ...args], { cwd: work })
    await apt('update', '-qq')
    await apt('download', '-qq', ...names)
    for (const service of services) await unpack(service, work)
    say(`Fetched: ${names.join(', ')}`)
  } catch (error) {
    say(`Not obtainable: ${names.join(', ')}. ${reasonOf(error)}`)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

function aptOptions(work, architecture) {
  return [
    `Dir::State::lists=${join(work, 'lists')}`,
    `Dir::Cache=${join(work, 'cache')}`,
    `APT::Architectures::=${architecture}`,
    'APT::Architectures::=arm64',
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
  ].flatMap((option) => ['-o', option])
}

/** Unpacks beside and renames: whoever looks meanwhile sees the whole folder or none. */
async function unpack(service, work) {
  const prefix = `${service.package.split(':')[0]}_`
  const archive = (await readdir(work)).find((file) => file.startsWith(prefix))
  const unpacked = join(work, `${prefix}files`)
  await call('dpkg-deb', ['-x', join(work, archive), unpacked])
  await rm(folderOf(service), { recursive: true, force: true })
  await rename(unpacked, folderOf(service))
}

/** Made beside and renamed: its Python finds the environment from wherever it lies. */
async function makeEnvironment(client) {
  const wanted = `${client.package}==${client.version}`
  const work = `${environmentOf(client)}-${process.pid}`
  try {
    await call('python3', ['-m', 'venv', work])
    // What is never imported need not be compiled either.
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-compile']
    await call(join(work, 'bin', 'python'), [...pip, wanted, ...client.besides])
    await rename(work, environmentOf(client))
    say(`Installed: ${wanted}, for Python`)
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!isThere(client)) say(`Not obtainable: ${wanted} for Python. ${reasonOf(error)}`)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

const reasonOf = (error) => (error.stderr || error.message).trim().split('\n').at(-1)
const say = (line) => process.stderr.write(`${line}\n`)
